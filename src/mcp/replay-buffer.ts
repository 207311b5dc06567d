import type { EventId, EventStore, JSONRPCMessage, StreamId } from "@modelcontextprotocol/server";

/** What a session keeps for a client whose connection broke. Beyond it the oldest is forgotten, but never the newest. */
const messagesMax = 64;
const charsMax = 256 * 1024;

interface Kept {
  streamId: StreamId;
  number: number;
  message: JSONRPCMessage;
  chars: number;
}

/**
 * The latest messages of one session, over all of its streams, so that a stream can go on where its connection broke. The id of
 * a message is `<stream>/<number>`: it tells its stream even when the message itself has been forgotten.
 */
export class ReplayBuffer implements EventStore {
  readonly #kept: Kept[] = [];
  #chars = 0;
  #number = 0;

  async storeEvent(streamId: StreamId, message: JSONRPCMessage): Promise<EventId> {
    this.#number++;
    // The empty message that opens a stream only marks a position: there is nothing to send again.
    if ("jsonrpc" in message) {
      const chars = sizeOf(message);
      this.#kept.push({ streamId, number: this.#number, message, chars });
      this.#chars += chars;
      while (this.#kept.length > 1 && (this.#kept.length > messagesMax || this.#chars > charsMax)) {
        this.#chars -= this.#kept.shift()?.chars ?? 0;
      }
    }
    return `${streamId}/${this.#number}`;
  }

  async getStreamIdForEventId(eventId: EventId): Promise<StreamId | undefined> {
    return /^(.{1,64})\/\d{1,15}$/.exec(eventId)?.[1];
  }

  async replayEventsAfter(
    lastEventId: EventId,
    { send }: { send: (eventId: EventId, message: JSONRPCMessage) => Promise<void> },
  ): Promise<StreamId> {
    const [streamId = "", last] = lastEventId.split("/");
    for (const { number, message } of this.#kept.filter((one) => one.streamId === streamId && one.number > Number(last))) {
      await send(`${streamId}/${number}`, message);
    }
    return streamId;
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
