import type { QueueStatus } from "../../src/jobs/contract.ts";
import type { Context } from "../context.ts";
import { printJson } from "../output.ts";
import { renderPairs } from "../table.ts";

/** Prints the queue as it is. */
export async function showQueue(status: QueueStatus, context: Context): Promise<void> {
  if (context.json) return printJson(context, status);
  const { pending, running, paused } = status;
  await context.io.stdout.write(
    renderPairs(context.io, [
      ["pending", String(pending)],
      ["running", String(running)],
      ["paused", paused ? "yes" : "no"],
    ]),
  );
}
