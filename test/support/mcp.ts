import { type CallToolResult, Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { systemClock } from "../../src/clock.ts";
import { Publisher } from "../../src/events/publish.ts";
import { silentLogger } from "../../src/logger.ts";
import type { Engines } from "../../src/mcp/engine-backend.ts";
import { createInProcess, type InProcess } from "../../src/mcp/in-process.ts";
import type { Send } from "../../src/webhooks/sending.ts";
import { createEngines } from "./engines.ts";
import { type Attempt, scripted } from "./jobs.ts";
import { openStorage, type Storage } from "./storage.ts";

/** The revisions of the protocol that are served, newest first. */
export const revisions = ["2026-07-28", "2025-11-25"] as const;
export type Revision = (typeof revisions)[number];

export interface McpOptions {
  waitersMax?: number;
  sessionsMax?: number;
  /** The network that webhooks are sent to. */
  send?: Send;
}

/** The endpoint over engines on a real database, reached without a network. */
export interface McpWorld extends Omit<Storage, "clock" | "log" | "close">, Engines, InProcess {
  publisher: Publisher;
  /** The attempts at `ai_revision` jobs, which the test ends. */
  attempts: Attempt[];
  connect(revision: Revision): Promise<Agent>;
  close(): Promise<void>;
}

export function openMcp({ waitersMax = 100, sessionsMax = 100, send }: McpOptions = {}): McpWorld {
  const { close, ...storage } = openStorage();
  const revising = scripted("ai_revision");
  const engines = createEngines(storage, systemClock, { internalTypes: [revising], ...(send && { send }) });
  const limits = { waitersMax, sessionsMax, readBody: (request: Request) => request.bytes(), onLimit() {} };
  const inProcess = createInProcess({ engines, clock: systemClock, logger: silentLogger, version: "0", ...limits });
  return {
    ...storage,
    ...inProcess,
    ...engines,
    publisher: new Publisher(storage.log, storage.writer),
    attempts: revising.attempts,
    connect: (revision) =>
      connectAgent("http://127.0.0.1/mcp", revision, (url, init) => inProcess.endpoint.handle(new Request(String(url), init))),
    async close() {
      inProcess.waiters.endAll();
      await inProcess.endpoint.stop();
      await engines.jobs.stop({ graceMs: 0 });
      await engines.webhooks.stop({ graceMs: 0 });
      close();
    },
  };
}

/** An agent with the official client. */
export interface Agent {
  client: Client;
  /** What a tool answered; fails when it is an error. */
  call<Answer = Record<string, unknown>>(name: string, args?: Record<string, unknown>, signal?: AbortSignal): Promise<Answer>;
  /** What a tool that fails says. */
  failure(name: string, args?: Record<string, unknown>): Promise<string>;
  close(): Promise<void>;
}

export async function connectAgent(
  url: string,
  revision: Revision,
  fetch?: (url: string | URL, init?: RequestInit) => Promise<Response>,
): Promise<Agent> {
  const client = new Client(
    { name: "test", version: "1" },
    { versionNegotiation: { mode: revision === "2025-11-25" ? "legacy" : { pin: revision } } },
  );
  await client.connect(new StreamableHTTPClientTransport(new URL(url), fetch ? { fetch } : {}));
  return agentOf(client);
}

export function agentOf(client: Client): Agent {
  const callTool = (name: string, args: Record<string, unknown>, signal?: AbortSignal): Promise<CallToolResult> =>
    client.callTool({ name, arguments: args }, signal ? { signal } : {});
  return {
    client,
    async call<Answer>(name: string, args: Record<string, unknown> = {}, signal?: AbortSignal): Promise<Answer> {
      const { isError, structuredContent, content } = await callTool(name, args, signal);
      if (isError) throw new Error(textOf(content));
      return structuredContent as Answer;
    },
    async failure(name, args = {}) {
      const { isError, content } = await callTool(name, args);
      if (!isError) throw new Error(`${name} was expected to fail, and answered ${textOf(content)}`);
      return textOf(content);
    },
    close: () => client.close(),
  };
}

function textOf(content: CallToolResult["content"]): string {
  return content.map((part) => (part.type === "text" ? part.text : part.type)).join("\n");
}
