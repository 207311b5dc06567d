import net, { isIP, type LookupFunction } from "node:net";
import tls from "node:tls";

/** Who has a request under way on a connection. */
export interface ConnectionUser {
  connected(): void;
  /** Only of TLS: the certificate is good. */
  secured(): void;
  received(piece: Buffer): void;
  /** The other side has ended, or broken, the connection; nothing more comes. */
  closed(error: Error | undefined): void;
}

export interface ConnectionOptions {
  url: URL;
  /** Gives the addresses that may be connected to. */
  lookup: LookupFunction;
  /** Certificates to trust in place of the system's. */
  ca?: string | undefined;
}

/** One connection to a receiver, plain or TLS, for one request after the other. */
export class Connection {
  /** Whether a request was made on it before. */
  isReused = false;
  isClosed = false;
  #user: ConnectionUser | undefined;
  readonly #socket: net.Socket;

  constructor({ url, lookup, ca }: ConnectionOptions, user: ConnectionUser) {
    this.#user = user;
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const isSecure = url.protocol === "https:";
    const to = {
      host,
      port: url.port === "" ? (isSecure ? 443 : 80) : Number(url.port),
      lookup,
      noDelay: true,
      autoSelectFamily: true,
    };
    // The certificate is checked against the name in the URL, whichever address it leads to and whatever the environment says.
    const identity = { rejectUnauthorized: true, ...(isIP(host) === 0 ? { servername: host.replace(/\.+$/, "") } : {}) };
    this.#socket = isSecure
      ? tls.connect({ ...to, ...identity, ...(ca === undefined ? {} : { ca }), ALPNProtocols: ["http/1.1"] })
      : net.connect(to);
    let error: Error | undefined;
    this.#socket.on("connect", () => this.#user?.connected());
    this.#socket.on("secureConnect", () => this.#user?.secured());
    this.#socket.on("data", (piece) => this.#received(typeof piece === "string" ? Buffer.from(piece) : piece));
    this.#socket.on("error", (cause) => {
      error = cause;
    });
    this.#socket.on("end", () => this.#closed(undefined));
    this.#socket.on("close", () => this.#closed(error));
  }

  write(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** Nobody uses it now. */
  release(): void {
    this.#user = undefined;
    this.isReused = true;
  }

  use(user: ConnectionUser): void {
    this.#user = user;
  }

  /** Idempotent; nobody hears of it. */
  destroy(): void {
    this.#user = undefined;
    this.isClosed = true;
    this.#socket.destroy();
  }

  #received(piece: Buffer): void {
    if (this.#user) this.#user.received(piece);
    // Nothing was asked: whatever it is, it must not be taken for the next answer.
    else this.destroy();
  }

  #closed(error: Error | undefined): void {
    const user = this.#user;
    this.destroy();
    user?.closed(error);
  }
}
