import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import { eventually } from "./eventually.ts";

/** One connection by HTTP/2, as a browser has for all its tabs. */
export class Http2Client {
  isClosed = false;
  readonly #session: ClientHttp2Session;

  private constructor(session: ClientHttp2Session) {
    this.#session = session;
    session.on("close", () => {
      this.isClosed = true;
    });
    session.on("error", () => {});
  }

  static async open(url: string, ca: string): Promise<Http2Client> {
    const session = connect(url, { ca });
    await new Promise<void>((resolve, reject) => session.once("connect", () => resolve()).once("error", reject));
    return new Http2Client(session);
  }

  stream(path: string, headers: Record<string, string> = {}, body?: string): Http2Stream {
    const stream = this.#session.request({ ":path": path, ...headers }, { endStream: body === undefined });
    if (body !== undefined) stream.end(body);
    return new Http2Stream(stream);
  }

  /** Sends JSON, and waits for the whole answer. */
  async post(path: string, body: unknown): Promise<Http2Stream> {
    const headers = { ":method": "POST", "content-type": "application/json" };
    const stream = this.stream(path, headers, JSON.stringify(body));
    await eventually(() => stream.isClosed);
    return stream;
  }

  async get(path: string, headers: Record<string, string> = {}): Promise<Http2Stream> {
    const stream = this.stream(path, headers);
    await eventually(() => stream.isClosed);
    return stream;
  }

  close(): void {
    this.#session.destroy();
  }
}

export class Http2Stream {
  text = "";
  status = 0;
  isClosed = false;

  constructor(private readonly stream: ClientHttp2Stream) {
    stream.setEncoding("utf8");
    stream.on("response", (headers) => {
      this.status = Number(headers[":status"]);
    });
    stream.on("data", (text: string) => {
      this.text += text;
    });
    stream.on("close", () => {
      this.isClosed = true;
    });
    stream.on("error", () => {});
  }

  /** How the server ended it; 0 as it should be. */
  get resetCode(): number {
    return this.stream.rstCode ?? 0;
  }

  pause(): void {
    this.stream.pause();
  }

  cancel(): void {
    this.stream.close(constants.NGHTTP2_CANCEL);
  }
}
