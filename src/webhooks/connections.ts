import type { Cancel, Clock } from "../clock.ts";
import type { Connection } from "./connection.ts";

/** Unused connections are closed before most servers do it, so that few requests meet a connection that is just closing. */
const idleMs = 4000;
const idlePerOriginMax = 16;
const sweepMs = 1000;

interface Idle {
  connection: Connection;
  sinceMs: number;
}

/** Connections that were kept open after a request, by origin. */
export class Connections {
  readonly #idle = new Map<string, Idle[]>();
  #cancelSweep: Cancel | undefined;
  #isStopped = false;

  constructor(private readonly clock: Clock) {}

  /** The one that was used last, so that those that are not needed grow old. */
  take(origin: string): Connection | undefined {
    const idle = this.#idle.get(origin);
    for (let one = idle?.pop(); one; one = idle?.pop()) {
      if (!one.connection.isClosed && this.#isFresh(one)) return one.connection;
      one.connection.destroy();
    }
    return undefined;
  }

  put(origin: string, connection: Connection): void {
    connection.release();
    const idle = this.#idle.get(origin) ?? [];
    if (this.#isStopped || idle.length >= idlePerOriginMax) {
      connection.destroy();
      return;
    }
    idle.push({ connection, sinceMs: this.clock.monotonicMs() });
    this.#idle.set(origin, idle);
    this.#cancelSweep ??= this.clock.after(sweepMs, () => this.#sweep());
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelSweep?.();
    for (const idle of this.#idle.values()) for (const { connection } of idle) connection.destroy();
    this.#idle.clear();
  }

  #sweep(): void {
    for (const [origin, idle] of this.#idle) {
      const fresh = idle.filter((one) => !one.connection.isClosed && this.#isFresh(one));
      for (const { connection } of idle.filter((one) => !fresh.includes(one))) connection.destroy();
      if (fresh.length > 0) this.#idle.set(origin, fresh);
      else this.#idle.delete(origin);
    }
    this.#cancelSweep = this.#idle.size > 0 ? this.clock.after(sweepMs, () => this.#sweep()) : undefined;
  }

  #isFresh({ sinceMs }: Idle): boolean {
    return this.clock.monotonicMs() - sinceMs < idleMs;
  }
}
