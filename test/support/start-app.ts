import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Static, TSchema } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { type App, createApp } from "../../src/app.ts";
import { systemClock } from "../../src/clock.ts";
import { type Config, readConfig } from "../../src/config.ts";
import type { Outside } from "../../src/core.ts";
import { silentLogger } from "../../src/logger.ts";

export interface CallOptions {
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export interface Reply<Body> {
  status: number;
  headers: Headers;
  body: Body;
}

export interface TestApp {
  /** Without a slash at the end. */
  readonly url: string;
  readonly routes: App["routes"];
  readonly firstToken: App["firstToken"];
  /** Sends JSON to a path below `/api/v1`. Fails when the answer is not what `answer` says. */
  call<Answer extends TSchema>(
    answer: Answer,
    method: string,
    path: string,
    options?: CallOptions,
  ): Promise<Reply<Static<Answer>>>;
  /** A request as it is, to any path. */
  fetch(path: string, init?: BunFetchRequestInit): Promise<Response>;
  /** Also removes the data, unless `dataDir` was given. */
  stop(): Promise<void>;
}

/** The whole server, on a free port and with data of its own; what it needs from outside can be replaced. */
export async function startApp(overrides: Partial<Config> = {}, outside: Partial<Outside> = {}): Promise<TestApp> {
  const dataDir = overrides.dataDir ?? mkdtempSync(join(tmpdir(), "matric-test-"));
  const config: Config = { ...readConfig({}, {}), port: 0, durability: "normal", ...overrides, dataDir };
  const app = await createApp(config, { clock: systemClock, logger: silentLogger, fetch, version: "0.0.0-test", ...outside });
  const url = app.url.href.replace(/\/$/, "");
  return {
    url,
    routes: app.routes,
    firstToken: app.firstToken,
    fetch: (path, init) => fetch(`${url}${path}`, init),
    async call(answer, method, path, { body, headers = {}, signal } = {}) {
      const response = await fetch(`${url}/api/v1${path}`, {
        method,
        headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
        body: body === undefined ? null : JSON.stringify(body),
        signal: signal ?? null,
      });
      const text = await response.text();
      const value: unknown = text === "" ? undefined : JSON.parse(text);
      if (!Value.Check(answer, value)) {
        const wrong = Value.Errors(answer, value).First();
        throw new Error(`${method} ${path} answered ${response.status} with ${text}: ${wrong?.path} ${wrong?.message}`);
      }
      return { status: response.status, headers: response.headers, body: value };
    },
    async stop() {
      await app.stop();
      if (overrides.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
