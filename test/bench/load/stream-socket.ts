import type { Socket } from "bun";

export type StreamTransport = "sse" | "ws";

export interface StreamTarget {
  port: number;
  transport: StreamTransport;
  /** Path and query. */
  path: string;
}

const headEnd = "\r\n\r\n";
/** The first word on a stream: from here on it is live. */
const hello = "ConnectionOpened";

/** A raw socket that speaks just enough HTTP to follow a stream, and then hands on the bytes as they come. */
export class StreamSocket {
  #socket: Socket<undefined> | undefined;
  #head = "";
  #isLive = false;
  readonly #live = Promise.withResolvers<void>();

  private constructor(private readonly received: (bytes: Buffer) => void) {}

  /** Resolves when the server has said its first word. Rejects when it refuses. */
  static async open(target: StreamTarget, received: (bytes: Buffer) => void): Promise<StreamSocket> {
    const stream = new StreamSocket(received);
    const closed = () => stream.#live.reject(new Error(`the server closed a stream after "${stream.#head.slice(0, 300)}"`));
    stream.#socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: target.port,
      socket: { data: (_socket, bytes) => stream.#receive(bytes), close: closed },
    });
    stream.#socket.write(requestFor(target));
    await stream.#live.promise;
    return stream;
  }

  /** As a client that vanishes: no closing words. */
  abort(): void {
    this.#socket?.terminate();
  }

  #receive(bytes: Buffer): void {
    if (!this.#isLive) {
      this.#head += bytes.toString("latin1");
      const end = this.#head.indexOf(headEnd);
      this.#isLive = end >= 0 && this.#head.indexOf(hello, end) >= 0;
      if (this.#isLive) this.#live.resolve();
    }
    // History may follow in the same read.
    if (this.#isLive) this.received(bytes);
  }
}

function requestFor({ transport, path }: StreamTarget): string {
  const upgrade = `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n`;
  const accept = "Accept: text/event-stream\r\n";
  return `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${transport === "ws" ? upgrade : accept}\r\n`;
}
