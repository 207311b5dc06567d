import type { Server } from "@modelcontextprotocol/server";
import { wait } from "../client/wait.ts";
import type { Clock } from "../clock.ts";
import type { FilterInput } from "../events/filter.ts";
import type { Logger } from "../logger.ts";
import type { Backend, Caller } from "./backend.ts";
import { fitEvents, type ListedEvent } from "./cut.ts";

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
 * is followed with a cursor, so that none is lost when the server restarts. Rejects when the server refuses the filter.
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
      const { events, nextCursor } = fitEvents(await backend.waitForEvents(query, caller));
      after = nextCursor;
      retryMs = retryMsMin;
      const told = events.filter(({ actor }) => includeAgents || actor.kind !== "agent");
      if (told.length === 0) continue;
      await server.notification({ method: "notifications/claude/channel", params: channelMessage(told, nextCursor) });
      await wait(clock, everyMs, signal);
    } catch (error) {
      if (signal.aborted) return;
      logger.warn("the events cannot be read", {
        error: error instanceof Error ? error.message : String(error),
        retry_ms: retryMs,
      });
      await wait(clock, retryMs, signal);
      retryMs = Math.min(retryMsMax, retryMs * 2);
    }
  }
}

/**
 * What the agent sees: one line of JSON per event and nothing else, so that no text in an event stands outside of a JSON string;
 * and no angle bracket, so that none can pretend to end the message and to begin another one.
 */
export function channelMessage(events: readonly ListedEvent[], cursor: string) {
  const lines = events.map((event) => JSON.stringify(event).replace(/[<>&\u2028\u2029]/g, escaped));
  const names = [...new Set(events.map(({ event }) => event))].sort().join(",");
  return { content: lines.join("\n"), meta: { events: names, count: String(events.length), cursor } };
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
