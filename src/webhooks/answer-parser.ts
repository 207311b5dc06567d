/** What is taken of an answer's head: status line, headers and trailers, and those of interim answers before it. */
const headBytesMax = 32 * 1024;
const lineBytesMax = 1024;
/** More of a body is not read; the status counts all the same. */
const bodyBytesMax = 64 * 1024;
const keptBytesMax = 16 * 1024;

/** The other side does not speak HTTP/1.1 as it should. */
export class BadAnswer extends Error {
  override readonly name = "BadAnswer";
}

/** An answer, as far as it has come. */
export interface Answer {
  status: number;
  /** By name in lower case; repeated ones are joined by commas. */
  headers: Record<string, string>;
}

type State = "head" | "length" | "chunk-size" | "chunk" | "chunk-end" | "trailers" | "until-close" | "done";

const statusLine = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: .*)?$/;
const begins = "HTTP/1.";
const fieldName = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
const crlf = Buffer.from("\r\n");
const endOfHead = Buffer.from("\r\n\r\n");

/** Reads one answer of HTTP/1.1 (RFC 9112) from the pieces in which it comes, within bounds and without trusting it. */
export class AnswerParser {
  #answer: Answer | undefined;
  readonly #kept: Buffer[] = [];
  #state: State = "head";
  /** Of a line or head whose end has not come. */
  #rest: Buffer | undefined;
  /** Of all heads before this one, interim answers' for example, and of trailers. */
  #headBytes = 0;
  #bodyBytes = 0;
  /** Of the body, or of the chunk. */
  #left = 0;
  #mayStayOpen = false;

  /** Set as soon as its head is there. */
  get answer(): Answer | undefined {
    return this.#answer;
  }

  /** The first 16 KiB of the body. */
  body(): Buffer {
    return this.#kept.length === 1 && this.#kept[0] ? this.#kept[0] : Buffer.concat(this.#kept);
  }

  /** Whether the connection can take another request, once the answer is complete. */
  get isReusable(): boolean {
    return this.#state === "done" && this.#mayStayOpen;
  }

  /** Takes a piece; true when the answer is complete, or as much of it was read as is wanted. Throws `BadAnswer`. */
  push(piece: Buffer): boolean {
    const data = this.#rest ? Buffer.concat([this.#rest, piece]) : piece;
    this.#rest = undefined;
    let at = 0;
    while (this.#state !== "done" && at < data.length) {
      const next = this.#step(data, at);
      if (next === undefined) {
        this.#rest = data.subarray(at);
        return false;
      }
      at = next;
    }
    // What nobody asked for must not be taken for the answer to the next request.
    if (at < data.length) this.#mayStayOpen = false;
    return this.#state === "done";
  }

  /** The other side has closed the connection; true when the answer is complete by that. Throws `BadAnswer`. */
  end(): boolean {
    if (this.#state === "until-close") this.#state = "done";
    return this.#state === "done";
  }

  /** Reads what it can from `at` on; where to go on, or undefined when more must come first. */
  #step(data: Buffer, at: number): number | undefined {
    switch (this.#state) {
      case "head":
        return this.#head(data, at);
      case "chunk-size":
        return this.#chunkSize(data, at);
      case "trailers":
        return this.#trailer(data, at);
      case "chunk-end":
        return this.#chunkEnd(data, at);
      default:
        return this.#content(data, at);
    }
  }

  #head(data: Buffer, at: number): number | undefined {
    const start = data.toString("latin1", at, Math.min(data.length, at + begins.length));
    if (!begins.startsWith(start)) throw new BadAnswer("the answer is not HTTP/1.1");
    const end = data.indexOf(endOfHead, at);
    const bytes = (end < 0 ? data.length : end) - at;
    if (this.#headBytes + bytes > headBytesMax)
      throw new BadAnswer(`the head of the answer is longer than ${headBytesMax} bytes`);
    if (end < 0) return undefined;
    this.#headBytes += bytes;
    const [first = "", ...lines] = data.toString("latin1", at, end).split("\r\n");
    const match = statusLine.exec(first);
    if (!match) throw new BadAnswer("the answer has no proper status line");
    const status = Number(match[2]);
    if (status === 101) throw new BadAnswer("the answer changes the protocol");
    if (status >= 200) this.#begin(status, headersOf(lines), match[1] === "1");
    return end + endOfHead.length;
  }

  /** How the body ends follows from the head (RFC 9112, section 6.3). */
  #begin(status: number, headers: Record<string, string>, isHttp11: boolean): void {
    this.#answer = { status, headers };
    const { connection = "", "transfer-encoding": coding, "content-length": length } = headers;
    this.#mayStayOpen = isHttp11 && !/(^|,)\s*close\s*(,|$)/i.test(connection);
    if (status === 204 || status === 304) {
      this.#state = "done";
    } else if (coding !== undefined) {
      if (length !== undefined) this.#mayStayOpen = false;
      this.#state = /(^|,)\s*chunked\s*$/i.test(coding) ? "chunk-size" : "until-close";
    } else if (length !== undefined) {
      const [one = "", ...others] = length.split(/\s*,\s*/);
      if (!/^\d{1,15}$/.test(one) || others.some((other) => other !== one))
        throw new BadAnswer("the length of the answer is not a number");
      this.#left = Number(one);
      this.#state = this.#left === 0 ? "done" : "length";
    } else {
      this.#state = "until-close";
    }
    if (this.#state === "until-close") this.#mayStayOpen = false;
  }

  #chunkSize(data: Buffer, at: number): number | undefined {
    const end = lineEnd(data, at);
    if (end === undefined) return undefined;
    const match = /^([0-9a-f]{1,12})[ \t]*(;.*)?$/i.exec(data.toString("latin1", at, end));
    if (!match) throw new BadAnswer("the size of a chunk is not a number");
    this.#left = Number.parseInt(match[1] ?? "", 16);
    this.#state = this.#left === 0 ? "trailers" : "chunk";
    return end + crlf.length;
  }

  #chunkEnd(data: Buffer, at: number): number | undefined {
    const end = lineEnd(data, at);
    if (end === undefined) return undefined;
    if (end !== at) throw new BadAnswer("a chunk is longer than it says");
    this.#state = "chunk-size";
    return end + crlf.length;
  }

  #trailer(data: Buffer, at: number): number | undefined {
    const end = lineEnd(data, at);
    if (end === undefined) return undefined;
    this.#headBytes += end - at;
    if (this.#headBytes > headBytesMax) throw new BadAnswer("the trailers of the answer are too long");
    if (end === at) this.#state = "done";
    return end + crlf.length;
  }

  #content(data: Buffer, at: number): number {
    const isUnbounded = this.#state === "until-close";
    const end = isUnbounded ? data.length : Math.min(data.length, at + this.#left);
    if (this.#bodyBytes < keptBytesMax) this.#kept.push(data.subarray(at, Math.min(end, at + keptBytesMax - this.#bodyBytes)));
    this.#bodyBytes += end - at;
    this.#left -= end - at;
    if (this.#bodyBytes > bodyBytesMax) {
      this.#state = "done";
      this.#mayStayOpen = false;
    } else if (!isUnbounded && this.#left === 0) {
      this.#state = this.#state === "chunk" ? "chunk-end" : "done";
    }
    return end;
  }
}

function lineEnd(data: Buffer, at: number): number | undefined {
  const end = data.indexOf(crlf, at);
  if ((end < 0 ? data.length : end) - at > lineBytesMax)
    throw new BadAnswer(`a line of the answer is longer than ${lineBytesMax} bytes`);
  return end < 0 ? undefined : end;
}

function headersOf(lines: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    if (colon < 1 || !fieldName.test(name)) throw new BadAnswer("a header of the answer has no proper name");
    const value = line.slice(colon + 1).trim();
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  return headers;
}
