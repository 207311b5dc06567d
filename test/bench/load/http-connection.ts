import type { Socket } from "bun";

const headEnd = Buffer.from("\r\n\r\n");

/** One keep-alive connection that sends one request at a time. Knows just as much HTTP as the answers of the bench need. */
export class HttpConnection {
  isBusy = false;
  sentAtUs = 0;
  #answer: Buffer | undefined;
  #unsent: Uint8Array | undefined;
  #isClosed = false;
  #socket: Socket<undefined> | undefined;

  private constructor(
    readonly index: number,
    private readonly answered: (connection: HttpConnection, ok: boolean, answer: Buffer) => void,
  ) {}

  /** `answered` is called with each whole answer; a connection that the server closes answers with `ok` false. */
  static async open(
    port: number,
    index: number,
    answered: (connection: HttpConnection, ok: boolean, answer: Buffer) => void,
  ): Promise<HttpConnection> {
    const connection = new HttpConnection(index, answered);
    connection.#socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        data: (_socket, bytes) => connection.#receive(bytes),
        drain: () => connection.#write(connection.#unsent),
        close: () => connection.#closed(),
      },
    });
    return connection;
  }

  send(request: Uint8Array, nowUs: number): void {
    this.isBusy = true;
    this.sentAtUs = nowUs;
    this.#write(request);
  }

  close(): void {
    this.#isClosed = true;
    this.#socket?.end();
  }

  #write(bytes: Uint8Array | undefined): void {
    if (!bytes) return;
    const written = this.#socket?.write(bytes) ?? 0;
    this.#unsent = written < bytes.length ? bytes.subarray(Math.max(0, written)) : undefined;
  }

  #receive(bytes: Buffer): void {
    const answer = this.#answer ? Buffer.concat([this.#answer, bytes]) : bytes;
    if (!isWhole(answer)) {
      this.#answer = Buffer.from(answer);
      return;
    }
    this.#answer = undefined;
    this.isBusy = false;
    // The first digit of the status.
    this.answered(this, answer[9] === 0x32, answer);
  }

  #closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.answered(this, false, Buffer.from("the server closed the connection"));
  }
}

function isWhole(answer: Buffer): boolean {
  const end = answer.indexOf(headEnd);
  if (end < 0) return false;
  const length = /content-length: *(\d+)/i.exec(answer.toString("latin1", 0, end))?.[1];
  return answer.length >= end + headEnd.length + Number(length ?? 0);
}
