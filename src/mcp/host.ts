import type { AuthInfo } from "@modelcontextprotocol/server";
import type { InProcess, InProcessOptions } from "./in-process.ts";

/** What is open now, for those who watch the server. */
export interface McpStatus {
  sessions: number;
  streams: number;
  /** Calls that wait for events. */
  waiters: number;
}

/** Serves agents. The protocol's code takes 60 ms to load and tens of megabytes: nothing of it is there before the first agent. */
export class McpHost {
  #loading: Promise<InProcess> | undefined;
  #loaded: InProcess | undefined;
  #isStopped = false;

  constructor(private readonly options: InProcessOptions) {}

  async handle(request: Request, authInfo?: AuthInfo): Promise<Response> {
    if (this.#isStopped) return new Response(null, { status: 503, headers: { "retry-after": "5" } });
    this.#loading ??= this.#load();
    const { endpoint } = this.#loaded ?? (await this.#loading);
    return endpoint.handle(request, authInfo);
  }

  status(): McpStatus {
    const { endpoint, waiters } = this.#loaded ?? {};
    return { sessions: 0, streams: 0, ...endpoint?.status(), waiters: waiters?.count ?? 0 };
  }

  /** Answers those who wait, and ends every stream and session. Calling it again waits for the same end. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    const loaded = await this.#loading;
    if (!loaded) return;
    loaded.waiters.endAll();
    // The answers leave first.
    await new Promise((resume) => setImmediate(resume));
    await loaded.endpoint.stop();
  }

  async #load(): Promise<InProcess> {
    const { createInProcess } = await import("./in-process.ts");
    this.#loaded = createInProcess(this.options);
    return this.#loaded;
  }
}
