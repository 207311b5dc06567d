import net from "node:net";

export interface ReceivedRequest {
  method: string;
  path: string;
  /** By name in lower case. */
  headers: Record<string, string>;
  body: string;
}

/** A receiver of webhooks on a real port. `answer` may be changed at any time. */
export class Receiver {
  readonly requests: ReceivedRequest[] = [];
  answer: (request: ReceivedRequest) => Response | Promise<Response>;
  readonly #server;
  #waiting: (() => void)[] = [];

  constructor(answer: Receiver["answer"] = () => new Response("ok"), tls?: { key: string; cert: string }) {
    this.answer = answer;
    this.#server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      idleTimeout: 0,
      ...(tls ? { tls } : {}),
      fetch: async (request) => {
        const received = {
          method: request.method,
          path: new URL(request.url).pathname,
          headers: request.headers.toJSON(),
          body: await request.text(),
        };
        this.requests.push(received);
        for (const tell of this.#waiting.splice(0)) tell();
        return this.answer(received);
      },
    });
  }

  get port(): number {
    return this.#server.port ?? 0;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Resolves as soon as so many requests have come in all. */
  async received(count: number): Promise<ReceivedRequest[]> {
    while (this.requests.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.requests;
  }

  async stop(): Promise<void> {
    await this.#server.stop(true);
  }
}

/** A TCP server that speaks as badly as `behave` does. */
export async function badServer(behave: (socket: net.Socket, connection: number) => void) {
  let connections = 0;
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    behave(socket, ++connections);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return {
    url: new URL(`http://127.0.0.1:${port}/hook`),
    connections: () => connections,
    stop: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
