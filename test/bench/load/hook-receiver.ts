import type { Socket } from "bun";

const headEnd = Buffer.from("\r\n\r\n");
const endless = Buffer.from("HTTP/1.1 200 OK\r\n\r\n");
/** Of an answer without an end, a byte. */
const dripMs = 100;
const ok = Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");

/**
 * Takes webhooks at `/0`, `/1` … and answers 200 at once; at `/silent` it never answers, at `/endless` its answer has no end, at other places nobody hears of them.
 * Knows as much HTTP as that needs.
 */
export class HookReceiver {
  readonly #server: Bun.TCPSocketListener<{ rest: Buffer | undefined }>;

  /** `got` is called with the number of the webhook and its body. */
  constructor(private readonly got: (hook: number, body: Buffer) => void) {
    this.#server = Bun.listen<{ rest: Buffer | undefined }>({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open: (socket) => {
          socket.data = { rest: undefined };
        },
        data: (socket, bytes) => this.#receive(socket, bytes),
      },
    });
  }

  get port(): number {
    return this.#server.port;
  }

  stop(): void {
    this.#server.stop(true);
  }

  #receive(socket: Socket<{ rest: Buffer | undefined }>, bytes: Buffer): void {
    const { rest } = socket.data;
    const request = rest ? Buffer.concat([rest, bytes]) : bytes;
    const end = request.indexOf(headEnd);
    const head = end < 0 ? "" : request.toString("latin1", 0, end);
    const from = end + headEnd.length;
    const to = from + Number(/content-length: *(\d+)/i.exec(head)?.[1]);
    // Nobody sends a second request before the first is answered.
    if (end < 0 || request.length < to) {
      socket.data.rest = Buffer.from(request);
      return;
    }
    socket.data.rest = undefined;
    const path = /^POST \/(\S*) /.exec(head)?.[1] ?? "";
    if (path === "silent") return;
    if (path === "endless") {
      socket.write(endless);
      const drip = setInterval(() => {
        if (socket.write("-") < 0) clearInterval(drip);
      }, dripMs);
      return;
    }
    if (/^\d+$/.test(path)) this.got(Number(path), request.subarray(from, to));
    socket.write(ok);
  }
}
