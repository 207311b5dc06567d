import net from "node:net";

/** The network between browser and server, which a test can cut and mend. */
export class Cable {
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  #isCut = false;
  /** What the server sends over WebSockets. */
  readonly #frames = new Set<{ far: net.Socket; near: net.Socket }>();
  /** As some proxies are: requests to become a WebSocket are not let through. */
  refusesSockets = false;
  /** As a proxy with too much to do: requests are told to come back after so many seconds. */
  busyForSeconds: number | undefined;

  private constructor(target: URL) {
    this.#server = net.createServer((near) => {
      if (this.#isCut) {
        near.destroy();
        return;
      }
      const far = net.connect(Number(target.port), target.hostname);
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(one);
        one.on("error", () => {});
        one.on("close", () => {
          this.#sockets.delete(one);
          other.destroy();
        });
      }
      near.on("data", (data) => {
        const isUpgrade = /^upgrade: websocket/im.test(data.toString("latin1"));
        if (isUpgrade) this.#frames.add({ far, near });
        if (this.busyForSeconds !== undefined)
          near.end(`HTTP/1.1 503 Busy\r\nRetry-After: ${this.busyForSeconds}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
        else if (isUpgrade && this.refusesSockets) near.destroy();
        else far.write(data);
      });
      far.pipe(near);
    });
  }

  static async to(url: string): Promise<Cable> {
    const cable = new Cable(new URL(url));
    await new Promise<void>((resolve) => cable.#server.listen(0, "127.0.0.1", resolve));
    return cable;
  }

  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
  }

  /** What comes over WebSockets waits on the way; everything else gets through. */
  holdFrames(): void {
    for (const { far, near } of this.#frames) far.unpipe(near);
  }

  releaseFrames(): void {
    for (const { far, near } of this.#frames) far.pipe(near);
  }

  cut(): void {
    this.#isCut = true;
    this.dropAll();
  }

  /** What stands breaks; what comes gets through. */
  dropAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
    this.busyForSeconds = undefined;
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
