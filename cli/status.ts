import type { Command } from "commander";
import type { Health } from "../src/health.ts";
import { addServerOptions, type Context, contextOf } from "./context.ts";
import { Failure } from "./failure.ts";
import type { Io } from "./io.ts";
import { examples } from "./options.ts";
import { printJson } from "./output.ts";
import { renderPairs } from "./table.ts";
import { duration } from "./when.ts";

export function registerStatus(program: Command, io: Io): void {
  const command = program.command("status").description("tell whether the server is well (exit code 5 if it cannot be reached)");
  addServerOptions(command)
    .addHelpText("after", examples("matric status", "matric status --url https://notes.example --json | jq .queue"))
    .action((_options: object, self: Command) => run(contextOf(self, io)));
}

export async function run(context: Context): Promise<void> {
  const { client, io, json, signal } = context;
  const health = await client.server.health(signal);
  const { status, version, uptime_seconds, log, queue, oldest_job_seconds, webhooks, storage_bytes, connections } = health;
  if (json) {
    await printJson(context, { url: client.url, ...health });
  } else {
    const streams = Object.entries(connections).filter(([, count]) => count > 0);
    await io.stdout.write(
      renderPairs(io, [
        ["server", client.url],
        ["status", status],
        ["version", version],
        ["uptime", duration(uptime_seconds * 1000)],
        ["log", `${log.head} (oldest ${log.oldest})`],
        ["storage", `${(storage_bytes / 1e6).toFixed(1)} MB`],
        ["queue", `${queue.pending} pending, ${queue.running} running${queue.paused ? ", paused" : ""}`],
        ["oldest job", queue.pending === 0 ? "none waits" : `waits for ${duration(oldest_job_seconds * 1000)}`],
        ["webhooks", webhooksLine(webhooks)],
        ["streams", streams.length === 0 ? "none" : streams.map(([transport, count]) => `${count} ${transport}`).join(", ")],
      ]),
    );
  }
  if (status !== "ok") throw new Failure("not_ready", `The server is ${status}.`);
}

function webhooksLine({ pending, ...counts }: Health["webhooks"]): string {
  const some = Object.entries(counts).filter(([, count]) => count > 0);
  if (some.length === 0) return "none";
  return `${some.map(([state, count]) => `${count} ${state}`).join(", ")}; ${pending} deliveries pending`;
}
