import { AsyncLocalStorage } from "node:async_hooks";
import type { EventId, EventStore, JSONRPCMessage, RequestId, StreamId } from "@modelcontextprotocol/server";
import { requestIdOf, transportErrorCode } from "./json-rpc.ts";

/** What a session keeps for a client whose connection broke. Beyond it the oldest is forgotten, but never the newest. */
const messagesMax = 64;
const charsMax = 256 * 1024;
const openMax = 256;

const lost =
  "The answer is lost: the server was started again meanwhile, or too much came after it. Whether the call took effect is not known; look, and call again.";

/** In the place of the token: nothing is yet to be answered. */
const over = ".";

interface Kept {
  id: EventId;
  streamId: StreamId;
  number: number;
  message: JSONRPCMessage;
  chars: number;
}

/**
 * The latest messages of one session, over all of its streams, so that a stream can go on where its connection broke. The id of
 * a message is `<stream>/<number>/<what the stream is yet to answer>`: whoever comes back for an answer that this process does not
 * have is told so, since clients wait for it for a very long time otherwise.
 */
export class ReplayBuffer implements EventStore {
  /** The requests that are being handed to the transport: their stream begins within. */
  readonly #handling = new AsyncLocalStorage<RequestId[]>();
  /** Streams that something is yet to come on, with the requests that they are yet to answer. */
  readonly #open = new Map<StreamId, RequestId[]>();
  readonly #kept: Kept[] = [];
  #chars = 0;
  #number = 0;

  /** Streams that begin within `handle` are those of the requests in `body`. */
  handling<Result>(body: unknown, handle: () => Result): Result {
    return this.#handling.run(requestIdsIn(body), handle);
  }

  async storeEvent(streamId: StreamId, message: JSONRPCMessage): Promise<EventId> {
    this.#number++;
    const isOpening = !("jsonrpc" in message);
    if (isOpening) this.#begin(streamId);
    const id = eventId(streamId, this.#number, this.#tokenAfter(streamId, message));
    // The empty message that opens a stream only marks a position: there is nothing to send again.
    if (!isOpening) this.#keep({ id, streamId, number: this.#number, message, chars: sizeOf(message) });
    return id;
  }

  async getStreamIdForEventId(id: EventId): Promise<StreamId | undefined> {
    return parse(id)?.streamId;
  }

  async replayEventsAfter(
    lastEventId: EventId,
    { send }: { send: (id: EventId, message: JSONRPCMessage) => Promise<void> },
  ): Promise<StreamId> {
    const { streamId, number: last, token } = parse(lastEventId) ?? { streamId: "", number: 0, token: undefined };
    const kept = this.#kept.filter((one) => one.streamId === streamId && one.number > last);
    for (const { id, message } of kept) await send(id, message);
    if (kept.length > 0 || this.#open.has(streamId)) return streamId;
    const unanswered = requestsOf(token);
    for (const [index, id] of unanswered.entries()) {
      const message: JSONRPCMessage = { jsonrpc: "2.0", id, error: { code: transportErrorCode, message: lost } };
      await send(eventId(streamId, last + index + 1, tokenAfterAnswer(unanswered.slice(index + 1))), message);
    }
    return streamId;
  }

  #begin(streamId: StreamId): void {
    this.#open.set(streamId, this.#handling.getStore() ?? []);
    // Calls that their clients have cancelled are never answered.
    const [oldest] = this.#open.keys();
    if (this.#open.size > openMax && oldest !== undefined) this.#open.delete(oldest);
  }

  /** What the stream is yet to answer after this message. */
  #tokenAfter(streamId: StreamId, message: JSONRPCMessage): string | undefined {
    const waiting = this.#open.get(streamId);
    if (!waiting) return undefined;
    if (!("result" in message || "error" in message)) return tokenOf(waiting);
    const rest = waiting.filter((id) => id !== message.id);
    if (rest.length === 0) this.#open.delete(streamId);
    else this.#open.set(streamId, rest);
    return tokenAfterAnswer(rest);
  }

  #keep(one: Kept): void {
    this.#kept.push(one);
    this.#chars += one.chars;
    while (this.#kept.length > 1 && (this.#kept.length > messagesMax || this.#chars > charsMax)) {
      this.#chars -= this.#kept.shift()?.chars ?? 0;
    }
  }
}

/** Whether this is the last message of its stream. Some clients come back for more even then, again and again. */
export function isOver(lastEventId: string | null): boolean {
  return lastEventId !== null && parse(lastEventId)?.token === over;
}

/** Whether a client that has seen this message last waits for the answer to a request. */
export function waitsForAnswer(lastEventId: string | null): boolean {
  return lastEventId !== null && requestsOf(parse(lastEventId)?.token).length > 0;
}

function eventId(streamId: StreamId, number: number, token: string | undefined): EventId {
  return token ? `${streamId}/${number}/${token}` : `${streamId}/${number}`;
}

function parse(id: EventId): { streamId: StreamId; number: number; token: string | undefined } | undefined {
  const [, streamId, number, token] = /^([^/]{1,64})\/(\d{1,15})(?:\/([\w-]{1,200}|\.))?$/.exec(id) ?? [];
  return streamId === undefined ? undefined : { streamId, number: Number(number), token };
}

/** The ids of the requests in a message, or in a batch of them. */
function requestIdsIn(body: unknown): RequestId[] {
  return (Array.isArray(body) ? body : [body]).map(requestIdOf).filter((id) => id !== undefined);
}

/** In a form that a header can carry; empty if it would be too long. */
function tokenOf(ids: readonly RequestId[]): string {
  const token = Buffer.from(JSON.stringify(ids)).toString("base64url");
  return ids.length === 0 || token.length > 200 ? "" : token;
}

function tokenAfterAnswer(rest: readonly RequestId[]): string {
  return rest.length === 0 ? over : tokenOf(rest);
}

function requestsOf(token: string | undefined): RequestId[] {
  if (!token) return [];
  try {
    const ids: unknown = JSON.parse(Buffer.from(token, "base64url").toString());
    return Array.isArray(ids) ? ids.filter((id) => typeof id === "string" || typeof id === "number") : [];
  } catch {
    return [];
  }
}

/** About how long it is as JSON, without making the JSON: answers of tools hold theirs as text, and again as a value. */
function sizeOf(message: JSONRPCMessage): number {
  const content: unknown = "result" in message ? message.result.content : undefined;
  if (!Array.isArray(content)) return JSON.stringify(message).length;
  return content.reduce(
    (chars: number, { text }: { text?: unknown }) => chars + (typeof text === "string" ? 2 * text.length : 0),
    200,
  );
}
