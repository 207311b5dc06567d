import { type Cancel, type Clock, every } from "../clock.ts";
import { MatricError, messageOf } from "../errors.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });
/** What is stored is handed on: many readers of JSON recurse, and fail on what is nested much deeper. */
const nestingMax = 64;

/** Stands for the fields of a body that was not sent: there are none. */
export class NoBody {}

/** To refuse it where there must be some. */
export function bodyMissing(): MatricError {
  return new MatricError("malformed", "The body is empty; it must be JSON.");
}

export interface BodyReaderOptions {
  clock: Clock;
  bytesMax: number;
  /** How long a body may take to arrive. */
  withinMs: number;
}

/** Bodies are looked at so often; a timer for each would cost more than reading it. */
const sweepMs = 500;

interface Arriving {
  startedMs: number;
  body: Promise<Blob>;
  giveUp: (error: MatricError) => void;
}

/** Reads the JSON of requests. */
export class BodyReader {
  readonly #options: BodyReaderOptions;
  readonly #arriving = new Set<Arriving>();
  #cancel: Cancel = () => {};

  constructor(options: BodyReaderOptions) {
    this.#options = options;
  }

  start(): void {
    this.#cancel = every(this.#options.clock, sweepMs, () => this.#sweep());
  }

  stop(): void {
    this.#cancel();
  }

  /**
   * The JSON of a request's body, `NoBody` for an empty one. Rejects with `unsupported_media_type`, `too_large` (without reading the
   * rest), `request_timeout`, `malformed` (not UTF-8, not JSON) or `invalid` (nested too deeply).
   */
  async read(request: Request): Promise<unknown> {
    const arriving = this.#begin(request);
    try {
      const body = await arriving.body;
      if (body.size > 0) {
        checkType(request);
        const text = await body.text();
        // What is no UTF-8 has become this character. It may have been sent as such, which only a closer look tells.
        return parse(text.includes("\ufffd") ? await strictTextOf(body) : text);
      }
    } catch (cause) {
      throw encodingError(request, cause) ?? arrivalError(cause);
    } finally {
      this.#arriving.delete(arriving);
    }
    // A change that changes nothing was not meant; where another method needs no field, nothing need be sent.
    if (request.method === "PATCH") throw bodyMissing();
    return new NoBody();
  }

  /** A request's body. Rejects with `too_large` (without reading the rest), `request_timeout`, or `malformed` when the client leaves. */
  async bytes(request: Request): Promise<Uint8Array> {
    const arriving = this.#begin(request);
    try {
      const body = await arriving.body;
      return await body.bytes();
    } catch (cause) {
      throw arrivalError(cause);
    } finally {
      this.#arriving.delete(arriving);
    }
  }

  #begin(request: Request): Arriving {
    const { promise: body, resolve, reject: giveUp } = Promise.withResolvers<Blob>();
    const arriving = { startedMs: this.#options.clock.monotonicMs(), body, giveUp };
    this.#arriving.add(arriving);
    this.#body(request).then(resolve, giveUp);
    return arriving;
  }

  /** As a `Blob`, which can be read twice: as text, and as bytes where the text leaves a doubt. */
  #body(request: Request): Promise<Blob> {
    const { bytesMax } = this.#options;
    const declared = request.headers.get("content-length");
    if (declared !== null && Number(declared) > bytesMax) return Promise.reject(tooLarge(bytesMax));
    return declared === null ? readChunks(request, bytesMax) : request.blob();
  }

  #sweep(): void {
    const { clock, withinMs } = this.#options;
    const latestMs = clock.monotonicMs() - withinMs;
    for (const arriving of this.#arriving) {
      // In the order in which they began.
      if (arriving.startedMs > latestMs) break;
      this.#arriving.delete(arriving);
      const message = `The body did not arrive within ${withinMs / 1000} seconds.`;
      arriving.giveUp(new MatricError("request_timeout", message, { limit: "slow_bodies" }));
    }
  }
}

/** Only the connection can fail otherwise: nobody hears of it, and it is no failure of the server. */
function arrivalError(cause: unknown): MatricError {
  return cause instanceof MatricError ? cause : new MatricError("malformed", "The body did not arrive whole.", {}, { cause });
}

/** Of a body that is nothing readable since it is compressed. */
function encodingError({ headers }: Request, cause: unknown): MatricError | undefined {
  const encoding = headers.get("content-encoding") ?? "";
  const isCompressed = /^(x-)?(gzip|deflate|br|zstd|compress)$/i.test(encoding);
  if (!isCompressed || !(cause instanceof MatricError) || cause.code !== "malformed") return undefined;
  return new MatricError(
    "unsupported_media_type",
    `Send the body as it is, without Content-Encoding: ${encoding}.`,
    {},
    { cause },
  );
}

function checkType({ headers }: Request): void {
  const type = headers.get("content-type") ?? "";
  if (!/^application\/([\w.-]+\+)?json\b/i.test(type)) {
    throw new MatricError("unsupported_media_type", `Send the body as Content-Type: application/json, not "${type}".`);
  }
}

/** Rejects with `malformed` when the body is not UTF-8. */
async function strictTextOf(body: Blob): Promise<string> {
  try {
    return utf8.decode(await body.bytes());
  } catch (cause) {
    throw new MatricError("malformed", "The body is not valid UTF-8.", {}, { cause });
  }
}

function parse(text: string): unknown {
  if (isDeeperThan(nestingMax, text)) {
    throw new MatricError("invalid", `The body must not nest arrays and objects more than ${nestingMax} levels deep.`);
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    const message = `The body is not valid JSON: ${messageOf(cause)}.`;
    throw new MatricError("malformed", message, {}, { cause });
  }
}

/** A body of undeclared length is read only as far as it may go. */
async function readChunks(request: Request, bytesMax: number): Promise<Blob> {
  if (!request.body) return new Blob();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw tooLarge(bytesMax);
    chunks.push(chunk);
  }
  return new Blob(chunks);
}

function tooLarge(bytesMax: number): MatricError {
  return new MatricError("too_large", `The body is larger than ${bytesMax} bytes.`, { limit: "body_bytes" });
}

/** Of JSON text; of other text it may say anything. */
function isDeeperThan(most: number, text: string): boolean {
  if (text.length <= 2 * most) return false;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === "[" || char === "{") depth++;
    else if (char === "]" || char === "}") depth--;
    else if (char === '"') at = endOfString(text, at);
    if (depth > most) return true;
  }
  return false;
}

/** Where the string that begins at `start` ends, the end of the text if it does not. */
function endOfString(text: string, start: number): number {
  let end = start;
  do end = text.indexOf('"', end + 1);
  while (end >= 0 && isEscaped(text, end));
  return end < 0 ? text.length : end;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === "\\") backslashes++;
  return backslashes % 2 === 1;
}
