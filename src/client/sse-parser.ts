import { ClientError } from "./errors.ts";

export interface SseMessage {
  /** `message` when the frame named none. */
  event: string;
  data: string;
  /** The `id` that this very frame bears; the standard's `lastEventId` outlives the frame, so it is kept by the parser. */
  id: string | undefined;
}

/** No event comes near to it; a server that sends more without a line break is not one of ours. */
const lineCharsMax = 16 * 1024 * 1024;

/** Reads `text/event-stream` as the WHATWG HTML standard says (section 9.2.6), from chunks that may be cut anywhere. */
export class SseParser {
  /** What the stream last said with `retry:`. */
  retryMs: number | undefined;
  lastEventId = "";
  // Also drops a byte order mark at the very beginning.
  readonly #decoder = new TextDecoder();
  /** The beginning of a line whose end has not come yet. */
  #partial: string[] = [];
  #partialChars = 0;
  /** A CR has ended a line; an LF right after it belongs to it, and may be in the next chunk. */
  #isAfterCr = false;
  #event = "";
  #data: string | undefined;
  #id: string | undefined;

  /** The messages that this chunk completes. Throws `protocol` when a line grows without end. */
  push(chunk: Uint8Array): SseMessage[] {
    const text = this.#decoder.decode(chunk, { stream: true });
    const messages: SseMessage[] = [];
    let start = 0;
    if (this.#isAfterCr && text !== "") {
      this.#isAfterCr = false;
      if (text.startsWith("\n")) start = 1;
    }
    let lf = text.indexOf("\n", start);
    let cr = text.indexOf("\r", start);
    while (lf >= 0 || cr >= 0) {
      const isCr = cr >= 0 && (lf < 0 || cr < lf);
      const end = isCr ? cr : lf;
      const message = this.#line(this.#completed(text.slice(start, end)));
      if (message) messages.push(message);
      start = end + 1;
      if (isCr) {
        if (lf === start) start++;
        else this.#isAfterCr = start === text.length;
        cr = text.indexOf("\r", start);
      }
      if (lf >= 0 && lf < start) lf = text.indexOf("\n", start);
    }
    this.#keep(text.slice(start));
    return messages;
  }

  #completed(end: string): string {
    if (this.#partial.length === 0) return end;
    const line = this.#partial.join("") + end;
    this.#partial = [];
    this.#partialChars = 0;
    return line;
  }

  #keep(text: string): void {
    if (text === "") return;
    this.#partial.push(text);
    this.#partialChars += text.length;
    if (this.#partialChars > lineCharsMax) throw new ClientError("protocol", "The event stream has a line that does not end.");
  }

  #line(line: string): SseMessage | undefined {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return undefined;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line.charCodeAt(colon + 1) === 0x20 ? colon + 2 : colon + 1);
    if (field === "data") this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`;
    else if (field === "event") this.#event = value;
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    else if (field === "retry" && /^\d+$/.test(value)) this.retryMs = Number(value);
    return undefined;
  }

  #dispatch(): SseMessage | undefined {
    this.lastEventId = this.#id ?? this.lastEventId;
    const message = this.#data === undefined ? undefined : { event: this.#event || "message", data: this.#data, id: this.#id };
    this.#event = "";
    this.#data = undefined;
    this.#id = undefined;
    return message;
  }
}
