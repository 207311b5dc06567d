import type { Command } from "commander";
import { addServerOptions, type Context, contextOf } from "./context.ts";
import { Failure } from "./failure.ts";
import type { Io } from "./io.ts";
import { printJson } from "./output.ts";
import { renderPairs } from "./table.ts";
import { duration } from "./when.ts";

export function registerStatus(program: Command, io: Io): void {
  const command = program.command("status").description("tell whether the server is well (exit code 5 if it cannot be reached)");
  addServerOptions(command).action((_options: object, self: Command) => run(contextOf(self, io)));
}

export async function run(context: Context): Promise<void> {
  const { client, io, json, signal } = context;
  const health = await client.server.health(signal);
  const { status, version, uptime_seconds, log, queue, connections } = health;
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
        ["queue", `${queue.pending} pending, ${queue.running} running${queue.paused ? ", paused" : ""}`],
        ["streams", streams.length === 0 ? "none" : streams.map(([transport, count]) => `${count} ${transport}`).join(", ")],
      ]),
    );
  }
  if (status !== "ok") throw new Failure("not_ready", `The server is ${status}.`);
}
