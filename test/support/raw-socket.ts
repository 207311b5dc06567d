import { TcpClient } from "./tcp-client.ts";

const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
export type Opcode = keyof typeof opcodes;

export interface Frame {
  opcode: Opcode | undefined;
  payload: Buffer;
}

export interface FrameOptions {
  /** Whether this is the last frame of its message. */
  fin?: boolean;
  masked?: boolean;
  /** Further bits of the first byte. */
  reserved?: number;
}

/** A WebSocket client made of bytes: it does exactly what a test says, and answers nothing by itself. */
export class RawSocket {
  readonly #tcp: TcpClient;
  #headerLength = 0;

  private constructor(tcp: TcpClient) {
    this.#tcp = tcp;
  }

  /** Resolves when the handshake is done. */
  static async open(url: string, query = ""): Promise<RawSocket> {
    const tcp = await TcpClient.open(url);
    const key = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64");
    const headers = ["Upgrade: websocket", "Connection: Upgrade", `Sec-WebSocket-Key: ${key}`, "Sec-WebSocket-Version: 13"];
    tcp.send(`GET /api/v1/ws${query} HTTP/1.1\r\nHost: ${new URL(url).host}\r\n${headers.join("\r\n")}\r\n\r\n`);
    const socket = new RawSocket(tcp);
    while (socket.#headerLength === 0) {
      await Bun.sleep(1);
      socket.#headerLength = tcp.received.indexOf("\r\n\r\n") + 4;
      if (socket.#headerLength === 3) socket.#headerLength = 0;
      if (tcp.isClosed) throw new Error(`the server closed the connection after ${tcp.text}`);
    }
    if (!tcp.text.startsWith("HTTP/1.1 101")) throw new Error(`the server answered ${tcp.text}`);
    return socket;
  }

  send(opcode: Opcode, payload: string | Uint8Array = "", { fin = true, masked = true, reserved = 0 }: FrameOptions = {}): void {
    const body = Buffer.from(payload as string);
    const first = (fin ? 0x80 : 0) | reserved | opcodes[opcode];
    const maskBit = masked ? 0x80 : 0;
    const length =
      body.length < 126
        ? Buffer.from([maskBit | body.length])
        : body.length < 65_536
          ? Buffer.from([maskBit | 126, body.length >> 8, body.length & 255])
          : Buffer.concat([Buffer.from([maskBit | 127, 0, 0, 0, 0]), uint32(body.length)]);
    const mask = Buffer.from([1, 2, 3, 4]);
    const bytes = masked ? Buffer.concat([mask, body.map((byte, index) => byte ^ (mask[index % 4] ?? 0))]) : body;
    this.#tcp.send(Buffer.concat([Buffer.from([first]), length, bytes]));
  }

  sendJson(message: unknown): void {
    this.send("text", JSON.stringify(message));
  }

  /** Bytes that need not be frames. */
  sendRaw(bytes: Uint8Array): void {
    this.#tcp.send(bytes);
  }

  /** All whole frames so far. */
  frames(): Frame[] {
    const frames: Frame[] = [];
    const bytes = this.#tcp.received;
    for (let at = this.#headerLength; at + 2 <= bytes.length; ) {
      const short = (bytes[at + 1] ?? 0) & 127;
      const [start, length] =
        short < 126
          ? [at + 2, short]
          : short === 126
            ? [at + 4, bytes.readUInt16BE(at + 2)]
            : [at + 10, Number(bytes.readBigUInt64BE(at + 2))];
      if (start + length > bytes.length) break;
      const code = (bytes[at] ?? 0) & 15;
      const opcode = (Object.keys(opcodes) as Opcode[]).find((name) => opcodes[name] === code);
      frames.push({ opcode, payload: bytes.subarray(start, start + length) });
      at = start + length;
    }
    return frames;
  }

  /** What was said as text, as JSON. */
  messages(): SocketText[] {
    return this.frames()
      .filter(({ opcode }) => opcode === "text")
      .map(({ payload }) => JSON.parse(payload.toString()));
  }

  /** The code of the server's closing frame. */
  closeCode(): number | undefined {
    const close = this.frames().find(({ opcode }) => opcode === "close");
    return close && (close.payload.length < 2 ? 1005 : close.payload.readUInt16BE(0));
  }

  get isClosed(): boolean {
    return this.#tcp.isClosed;
  }

  get size(): number {
    return this.#tcp.size;
  }

  stopReading(): void {
    this.#tcp.stopReading();
  }

  read(): void {
    this.#tcp.read();
  }

  close(): void {
    this.#tcp.close();
  }
}

/** An event, or the answer to a message. */
export interface SocketText {
  id?: string;
  event?: string;
  data?: Record<string, unknown>;
  op?: string;
  ref?: string | number;
  code?: string;
  field?: string;
  cursor?: string;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
