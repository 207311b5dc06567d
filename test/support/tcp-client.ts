import { connect, type Socket } from "node:net";

/** A bare TCP connection to a server: for clients that do what no library would. */
export class TcpClient {
  isClosed = false;
  /** How many bytes came. */
  size = 0;
  readonly #chunks: Uint8Array[] = [];
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (bytes) => {
      const chunk = Buffer.from(bytes);
      this.#chunks.push(chunk);
      this.size += chunk.length;
    });
    socket.on("close", () => {
      this.isClosed = true;
    });
    socket.on("error", () => {});
  }

  static async open(url: string): Promise<TcpClient> {
    const { hostname, port } = new URL(url);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const socket = connect(Number(port), hostname.replace(/^\[(.*)\]$/, "$1"), resolve);
    socket.once("error", reject);
    await promise;
    return new TcpClient(socket);
  }

  send(bytes: string | Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Takes nothing more from the network until `read`. */
  stopReading(): void {
    this.#socket.pause();
  }

  read(): void {
    this.#socket.resume();
  }

  /** Takes at least so many bytes more, and then nothing again. */
  async readSome(bytes: number): Promise<void> {
    const enough = this.size + bytes;
    this.#socket.resume();
    while (this.size < enough && !this.isClosed) await new Promise((resume) => this.#socket.once("data", resume));
    this.#socket.pause();
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get text(): string {
    return this.received.toString();
  }

  close(): void {
    this.#socket.destroy();
  }
}
