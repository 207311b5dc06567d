import { CreatedToken, type Scope } from "../../src/auth/contract.ts";
import { type Clock, systemClock } from "../../src/clock.ts";
import type { Config } from "../../src/config.ts";
import type { Outside } from "../../src/core.ts";
import { startApp, type TestApp } from "./start-app.ts";

/** The real time, whose wall clock a test can set forward. */
export class SkewedClock implements Clock {
  #skewMs = 0;
  readonly monotonicMs = systemClock.monotonicMs;
  readonly after = systemClock.after;

  now(): number {
    return systemClock.now() + this.#skewMs;
  }

  skip(ms: number): void {
    this.#skewMs += ms;
  }
}

export interface AuthApp {
  app: TestApp;
  clock: SkewedClock;
  /** The first token, which may do everything. */
  admin: string;
  make(scopes: Scope[], expiresAt?: string): Promise<CreatedTokenBody>;
  revoke(id: string): Promise<void>;
}

export type CreatedTokenBody = { id: string; token: string };

export function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

/** A server that asks for tokens. */
export async function startAuthApp(overrides: Partial<Config> = {}, outside: Partial<Outside> = {}): Promise<AuthApp> {
  const clock = new SkewedClock();
  const app = await startApp({ auth: "on", ...overrides }, { clock, ...outside });
  const admin = app.firstToken ?? "";
  return {
    app,
    clock,
    admin,
    async make(scopes, expiresAt) {
      const body = { name: "test", scopes, ...(expiresAt === undefined ? {} : { expires_at: expiresAt }) };
      return (await app.call(CreatedToken, "POST", "/tokens", { body, headers: bearer(admin) })).body;
    },
    async revoke(id) {
      await app.fetch(`/api/v1/tokens/${id}`, { method: "DELETE", headers: bearer(admin) });
    },
  };
}

/** Opens a WebSocket and gathers what it says. */
export class TestSocket {
  readonly messages: Record<string, unknown>[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #socket: WebSocket;
  #wake = () => {};

  constructor(url: string, headers: Record<string, string> = {}, tls: Bun.TLSOptions = {}) {
    this.#socket = new WebSocket(url.replace(/^http/, "ws"), { headers, tls });
    this.#socket.addEventListener("message", ({ data }) => {
      this.messages.push(JSON.parse(String(data)));
      this.#wake();
    });
    const closed = Promise.withResolvers<{ code: number; reason: string }>();
    this.closed = closed.promise;
    this.#socket.addEventListener("close", ({ code, reason }) => closed.resolve({ code, reason }));
  }

  get opened(): Promise<boolean> {
    const opened = Promise.withResolvers<boolean>();
    this.#socket.addEventListener("open", () => opened.resolve(true));
    this.#socket.addEventListener("error", () => opened.resolve(false));
    return opened.promise;
  }

  send(message: unknown): void {
    this.sendText(JSON.stringify(message));
  }

  sendText(text: string): void {
    this.#socket.send(text);
  }

  /** The first message that `is` takes, whether it came already or is still to come. */
  async message(is: (message: Record<string, unknown>) => boolean): Promise<Record<string, unknown>> {
    for (;;) {
      const found = this.messages.find(is);
      if (found) return found;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  close(): void {
    this.#socket.close();
  }
}
