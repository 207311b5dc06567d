import http from "node:http";
import type { Server } from "bun";
import { type Clock, waitAtMost } from "../clock.ts";
import { invalid, MatricError, messageOf } from "../errors.ts";
import type { Certificate } from "./certificate.ts";
import { readHeadersFactor } from "./header-size.ts";
import { idleSeconds } from "./idle.ts";
import type { createServer } from "./server.ts";
import type { Services } from "./services.ts";
import type { SocketData } from "./socket-data.ts";
import { socketHandler } from "./socket-handler.ts";
import type { Ends } from "./system-queues.ts";

/** What time can mend: an address may be there a moment later, when the machine has just been started. */
const reasons: Record<string, string> = {
  EADDRINUSE: "another program listens there; choose another port with --port",
  EADDRNOTAVAIL: "this machine has no such address; choose another one with --host",
};

/** For answers that are on their way when the server stops. */
const lastWordsMs = 1000;

/** Where the HTTP surface meets the network: one address, in TLS if there is a certificate. */
export class Listener {
  readonly #clock: Clock;
  /** Bun's servers that have connections: those that listened with former certificates, and the one that listens. */
  readonly #servers = new Set<Server<SocketData>>();
  /** The real one, once it is known. */
  #port: number;

  constructor(
    private readonly app: ReturnType<typeof createServer>,
    private readonly services: Services,
  ) {
    this.#clock = services.clock;
    this.#port = services.config.port;
  }

  /** Starts to listen; returns where. Throws `invalid` for what is no address, `address_in_use` when it cannot listen there. */
  start(certificate: Certificate | undefined): URL {
    const { config } = this.services;
    try {
      if (certificate) this.#port = freePort(config.host, config.port);
      return this.#listen(certificate).url;
    } catch (cause) {
      const { host, port } = config;
      const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
      if (code === "ENOENT") throw invalid("MATRIC_HOST", `There is no address ${host}; choose another one with --host.`);
      const why = (typeof code === "string" && reasons[code]) || messageOf(cause);
      throw new MatricError("address_in_use", `The server cannot listen on ${host} port ${port}: ${why}.`, {}, { cause });
    }
  }

  /**
   * Whoever connects from now on is shown this certificate. What is open stays open: Bun cannot change a server's certificate, so
   * another server takes its place, and the former one ends with its last connection. Clients by HTTP/2 open another connection for
   * their next request. Throws when the other server cannot listen; then all is as it was.
   */
  renew(certificate: Certificate): void {
    const former = [...this.#servers];
    this.#listen(certificate);
    // Not at once: whoever connected just now is still to be let in.
    this.#clock.after(0, () => {
      for (const server of former) server.stop().then(() => this.#servers.delete(server));
    });
  }

  /** Makes a WebSocket of a request; false when it is no valid handshake. */
  upgrade(request: Request, data: SocketData): boolean {
    for (const server of this.#servers) {
      try {
        return server.upgrade(request, { data });
      } catch {
        // Only the server that took the request can.
      }
    }
    return false;
  }

  /** The ends of a request's connection. */
  endsOf(request: Request): Ends | undefined {
    const { server } = this.app;
    const peer = server?.requestIP(request);
    return peer ? { address: peer.address, port: peer.port, localPort: server?.port ?? this.#port } : undefined;
  }

  /**
   * Lets the answers that are on their way leave, then closes every connection. Streams and long polls must have been told
   * before: those that are still open after `lastWordsMs` are cut.
   */
  async close(): Promise<void> {
    const servers = [...this.#servers];
    await waitAtMost(this.#clock, lastWordsMs, Promise.all(servers.map((server) => server.stop())));
    await Promise.all(servers.map((server) => server.stop(true)));
  }

  #listen(certificate: Certificate | undefined): Server<SocketData> {
    const { config } = this.services;
    // Of every server of the process: Bun has no option of its own for it.
    Object.assign(http, { maxHeaderSize: readHeadersFactor * config.headerBytesMax });
    const hooks = process.listeners("beforeExit");
    this.app.listen({
      hostname: config.host,
      port: this.#port,
      // Two servers on one port would share its clients in silence; see `freePort`.
      reusePort: certificate !== undefined,
      development: false,
      idleTimeout: idleSeconds,
      // Our own limit answers with a problem; Bun's would close with an empty 413.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      websocket: socketHandler(
        {
          ...this.services,
          pingMs: config.wsPingSeconds * 1000,
          pongTimeoutMs: config.wsPongTimeoutSeconds * 1000,
          slowMs: config.slowSeconds * 1000,
          subscriptionsMax: config.subscriptionsMax,
        },
        config.wsMessageBytesMax,
      ),
      ...(certificate && { tls: { cert: certificate.cert, key: certificate.key }, http2: true }),
    });
    // Elysia would stop the server when the process ends, once for each time that it listened; we do that.
    for (const hook of process.listeners("beforeExit")) if (!hooks.includes(hook)) process.off("beforeExit", hook);
    const { server } = this.app;
    if (!server) throw new Error("Elysia did not start a server");
    this.#servers.add(server);
    return server;
  }
}

/**
 * The port, or a free one for 0, if nobody listens there. With a certificate the port is shared, so that a server with the next one
 * can begin before this one ends; this is what still refuses a second matric.
 */
function freePort(hostname: string, port: number): number {
  const probe = Bun.listen({ hostname, port, socket: { data() {} } });
  probe.stop(true);
  return probe.port;
}
