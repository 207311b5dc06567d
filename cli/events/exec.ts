import type { ReceivedEvent } from "../../src/client/stream-item.ts";
import type { Context } from "../context.ts";
import { remark } from "../output.ts";

/**
 * Runs `command` in a shell with the event's JSON as its input and waits for it. Its output goes to stdout, or with --json,
 * where stdout belongs to the events, to stderr. That it fails is told and nothing more.
 */
export async function runForEvent(command: string, event: ReceivedEvent, context: Context): Promise<void> {
  const { io, json, signal } = context;
  try {
    const child = Bun.spawn(shell(command), {
      stdin: new TextEncoder().encode(`${event.text}\n`),
      stdout: json ? 2 : "inherit",
      stderr: "inherit",
      env: { ...io.env, MATRIC_EVENT: event.name, MATRIC_EVENT_ID: event.id },
      signal,
    });
    const code = await child.exited;
    if (code !== 0 && !signal.aborted)
      await remark(context, "exec_failed", `The command for ${event.name} ${event.id} failed with exit code ${code}.`);
  } catch (error) {
    if (!signal.aborted)
      await remark(context, "exec_failed", `The command for ${event.name} ${event.id} could not be run: ${error}`);
  }
}

function shell(command: string): string[] {
  return process.platform === "win32" ? ["cmd", "/d", "/s", "/c", command] : ["/bin/sh", "-c", command];
}
