import type { Server } from "@modelcontextprotocol/server";
import { wait } from "../client/wait.ts";
import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import type { Envelope } from "../events/catalog.ts";
import type { FilterInput } from "../events/filter.ts";
import type { Logger } from "../logger.ts";
import type { Backend, Caller } from "./backend.ts";
import { fitEvents } from "./cut.ts";

/** Within it the next events are waited for; then the same again. */
const waitMs = 25_000;
/** Events of one message; the rest comes with the next. */
const eventsMax = 20;
const retryMsMin = 1000;
const retryMsMax = 30_000;

export interface ChannelOptions {
  filter: FilterInput;
  /** At most one message within this time. */
  everyMs: number;
  /** Also what agents do: this one sees its own changes then. */
  includeAgents: boolean;
}

export interface ChannelDeps {
  backend: Backend;
  clock: Clock;
  logger: Logger;
  /** Aborts when the client is gone. */
  signal: AbortSignal;
}

/**
 * Pushes events into the session of a running agent as `notifications/claude/channel`, from now until `signal` aborts. The log
 * is followed with a cursor, so that none is lost when the server restarts; of those that are lost all the same, `StreamGap`
 * tells. Never rejects.
 */
export async function pushEvents(server: Server, options: ChannelOptions, deps: ChannelDeps): Promise<void> {
  const { backend, clock, logger, signal } = deps;
  const { filter, everyMs, includeAgents } = options;
  const caller: Caller = { actor: { kind: "agent", id: null }, signal };
  let after: string | undefined;
  let retryMs = retryMsMin;
  while (!signal.aborted) {
    // At first only to learn where the log is now.
    const query = { filter, after, limit: eventsMax, timeoutMs: after === undefined ? 0 : waitMs, batchMs: 0 };
    try {
      const { events, nextCursor, gap } = fitEvents(await backend.waitForEvents(query, caller));
      const lost = gap === null ? [] : [{ event: "StreamGap", data: { ...gap } }];
      const told = [...lost, ...events.filter(({ actor }) => includeAgents || actor.kind !== "agent")];
      if (told.length > 0) {
        await server.notification({ method: "notifications/claude/channel", params: channelMessage(told, nextCursor) });
      }
      after = nextCursor;
      retryMs = retryMsMin;
      if (told.length > 0) await wait(clock, everyMs, signal);
    } catch (error) {
      if (signal.aborted) return;
      logger.warn("no events are pushed for now", {
        error: messageOf(error),
        retry_ms: retryMs,
      });
      await wait(clock, retryMs, signal);
      retryMs = Math.min(retryMsMax, retryMs * 2);
    }
  }
}

/**
 * What the agent sees: one line of JSON per event and nothing else, so that no text in an event stands outside of a JSON string;
 * no angle bracket, so that none can pretend to end the message and to begin another one; and no character that people do not
 * see (`\p{Cf}`: zero widths, changes of direction, tags), so that nothing is said behind their backs.
 */
export function channelMessage(events: readonly Pick<Envelope, "event" | "data">[], cursor: string) {
  const lines = events.map((event) => JSON.stringify(event).replace(/[<>&\p{Cf}\p{Zl}\p{Zp}]/gu, escaped));
  const names = [...new Set(events.map(({ event }) => event))].sort().join(",");
  return { content: lines.join("\n"), meta: { events: names, count: String(events.length), cursor } };
}

/** As JSON writes a character that it does not write as it is: each of its UTF-16 units. */
function escaped(character: string): string {
  return character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}
