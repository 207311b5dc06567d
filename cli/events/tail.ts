import type { Command } from "commander";
import type { ReceivedEvent } from "../../src/client/stream-item.ts";
import { ConnectionRemarks } from "../connection-remarks.ts";
import { addServerOptions, type Context, contextOf } from "../context.ts";
import type { Io } from "../io.ts";
import { examples, position, seconds, wholeNumber } from "../options.ts";
import { runForEvent } from "./exec.ts";
import { addFilterOptions, type FilterOptions, filterOf } from "./filter-options.ts";
import { tellGap } from "./gap.ts";
import { IdleTimer } from "./idle-timer.ts";
import { eventLineFor } from "./line.ts";

export interface TailOptions extends FilterOptions {
  since?: string;
  count?: number;
  untilIdle?: number;
  exec?: string;
}

export function registerTail(events: Command, io: Io): void {
  const command = events
    .command("tail")
    .description("follow the log; goes on by itself when the server restarts, with no event lost or shown twice")
    .option(
      "--since <position>",
      "begin with older events: 10m, a time (RFC 3339), after an event id, earliest or latest",
      position,
      "latest",
    );
  addFilterOptions(command)
    .option("--count <n>", "end after so many events", wholeNumber(1))
    .option("--until-idle <seconds>", "end when connected and no event came for so long", seconds)
    .option(
      "--exec <command>",
      "run a command for every event, one after the other: the event's JSON is its input,\nMATRIC_EVENT and MATRIC_EVENT_ID are set, its output takes the place of the event",
    );
  addServerOptions(command)
    .addHelpText(
      "after",
      examples(
        "matric events tail --since 10m",
        "matric events tail --events 'Job*' --json | jq .data.job_id",
        "matric events tail --events NoteUpdated --exec 'notify-send \"$MATRIC_EVENT\"'",
      ),
    )
    .action((options: TailOptions, self: Command) => run(options, contextOf(self, io)));
}

/** Writes the events of the log as they come, until Ctrl-C or what `options` say. */
export async function run(options: TailOptions, context: Context): Promise<void> {
  const { client, signal } = context;
  const idle = new IdleTimer(options.untilIdle);
  const connection = new ConnectionRemarks(context, openingFor(context));
  const stream = client.stream({
    filter: filterOf(options),
    since: options.since,
    signal: AbortSignal.any([signal, idle.signal]),
    failFast: true,
    onState(state) {
      if (state.state === "live") idle.start();
      else idle.stop();
      connection.tell(state);
    },
  });
  const handle = handlerOf(options, context);
  let left = options.count ?? Number.POSITIVE_INFINITY;
  for await (const item of stream) {
    if (item.kind === "gap") await tellGap(context, item);
    if (item.kind !== "event") continue;
    idle.stop();
    await handle(item);
    left--;
    if (left <= 0) return;
    idle.start();
  }
  signal.throwIfAborted();
}

/** To whoever looks at an empty terminal. */
function openingFor({ client, io, json }: Context) {
  if (json || !io.stdout.isTty) return undefined;
  return { code: "following", message: `Following ${client.url}; Ctrl-C ends it.` };
}

function handlerOf({ exec }: TailOptions, context: Context): (event: ReceivedEvent) => Promise<void> {
  const { io, json } = context;
  const line = eventLineFor(io);
  const print = (event: ReceivedEvent) => io.stdout.write(json ? `${event.text}\n` : line(event.envelope));
  if (exec === undefined) return print;
  return async (event) => {
    if (json) await print(event);
    await io.stdout.flush();
    await runForEvent(exec, event, context);
  };
}
