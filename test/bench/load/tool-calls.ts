// A process that calls tools within itself: those of matric, and one of the SDK's own server that only says what it is told.
import {
  createMcpHandler,
  fromJsonSchema,
  isLegacyRequest,
  McpServer,
  WebStandardStreamableHTTPServerTransport,
} from "@modelcontextprotocol/server";
import { openMcp, type Revision } from "../../support/mcp.ts";
import { user } from "../../support/notes.ts";
import { BenchAgent } from "./agent.ts";
import { answerCalls } from "./worker-process.ts";

/** Calls per second of CPU. */
export interface ToolRates {
  own: number;
  bare: number;
}

export type ToolCalls = { rates(request: { revision: Revision; forMs: number }): Promise<ToolRates> };

type Handle = (request: Request) => Promise<Response>;

const text = "x".repeat(500);
const concurrency = 8;
const world = openMcp();
const own: Handle = (request) => world.endpoint.handle(request);

const inputSchema = fromJsonSchema<{ text: string }>({
  type: "object",
  properties: { text: { type: "string" } },
  required: ["text"],
});

function createEcho(): McpServer {
  const server = new McpServer({ name: "echo", version: "1" });
  server.registerTool("echo", { description: "says what it is told", inputSchema }, async (said) => ({
    content: [{ type: "text", text: said.text }],
  }));
  return server;
}

const present = createMcpHandler(createEcho, { legacy: "reject" });
const session = new WebStandardStreamableHTTPServerTransport({ sessionIdGenerator: () => "the-only-one" });
await createEcho().connect(session);

const bare: Handle = async (request) => {
  const parsedBody: unknown = await request.json();
  return (await isLegacyRequest(request, parsedBody))
    ? session.handleRequest(request, { parsedBody })
    : present.fetch(request, { parsedBody });
};

const agents = new Map<string, Promise<BenchAgent>>();

/** One session of the 2025 revision is all that the bare server has. */
function agentOf(revision: Revision, handle: Handle): Promise<BenchAgent> {
  const key = `${revision} ${handle === own}`;
  const agent = agents.get(key) ?? BenchAgent.connect(handle, revision);
  agents.set(key, agent);
  return agent;
}

async function rate(agent: BenchAgent, name: string, args: Record<string, unknown>, forMs: number): Promise<number> {
  const before = process.cpuUsage();
  const startedAt = performance.now();
  let calls = 0;
  const loop = async () => {
    while (performance.now() - startedAt < forMs) {
      await agent.call(name, args);
      calls++;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, loop));
  const { user: userUs, system: systemUs } = process.cpuUsage(before);
  return calls / ((userUs + systemUs) / 1e6);
}

async function rates({ revision, forMs }: { revision: Revision; forMs: number }): Promise<ToolRates> {
  const { id } = await world.notes.create({ title: "Plan", content: text, tags: ["a"] }, user);
  return {
    own: await rate(await agentOf(revision, own), "get_note", { id }, forMs),
    bare: await rate(await agentOf(revision, bare), "echo", { text }, forMs),
  };
}

answerCalls({ rates } satisfies ToolCalls);
