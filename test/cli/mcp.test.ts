import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { createClient } from "../../src/client/client.ts";
import { runCli, spawnCli } from "../support/cli.ts";
import { eventually } from "../support/eventually.ts";
import { type Agent, agentOf, type Revision, revisions } from "../support/mcp.ts";
import { startApp, type TestApp } from "../support/start-app.ts";

const main = join(import.meta.dir, "../../cli/main.ts");

let app: TestApp;
let folder: string;

beforeAll(async () => {
  app = await startApp();
  folder = mkdtempSync(join(tmpdir(), "matric-test-"));
});

afterAll(async () => {
  await app.stop();
  rmSync(folder, { recursive: true });
});

/** The command as an agent starts it. */
async function start(revision: Revision, ...args: string[]): Promise<Agent & { pid: number }> {
  const transport = new StdioClientTransport({ command: process.execPath, args: [main, "mcp", ...args], stderr: "inherit" });
  const mode = revision === "2025-11-25" ? "legacy" : { pin: revision };
  const client = new Client({ name: "test", version: "1" }, { versionNegotiation: { mode } });
  await client.connect(transport);
  return { ...agentOf(client), pid: transport.pid ?? 0 };
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe.each(revisions)("matric mcp, spoken to in %s", (revision) => {
  test("works on a server, as an agent, and ends when its client does", async () => {
    const agent = await start(revision, "--url", app.url);
    const { next_cursor } = await agent.call("wait_for_events", { timeout_ms: 0 });
    const waiting = agent.call<{ events: { event: string }[] }>("wait_for_events", { after: next_cursor, timeout_ms: 5000 });
    const { id } = await agent.call<{ id: string }>("create_note", { title: "Plan", content: "text" });
    expect(await waiting).toMatchObject({ events: [{ event: "NoteCreated", actor: { kind: "agent" }, data: { note_id: id } }] });
    const told: string[] = [];
    agent.client.setNotificationHandler("notifications/resources/updated", ({ params }) => {
      told.push(params.uri);
    });
    const uri = `matric://notes/${id}`;
    if (revision === "2025-11-25") await agent.client.subscribeResource({ uri });
    else await agent.client.listen({ resourceSubscriptions: [uri] });
    let version = 1;
    await eventually(async () => {
      await agent.call("update_note", { id, version, title: `Plan ${version++}` });
      return told.includes(uri);
    });
    const { pid } = agent;
    await agent.close();
    await eventually(() => !isRunning(pid));
  }, 20_000);

  test("works on the data itself, and leaves it for the next", async () => {
    const dataDir = join(folder, revision);
    const first = await start(revision, "--data-dir", dataDir);
    const { id } = await first.call<{ id: string }>("create_note", { title: "Plan", content: "a  \n\n\n\nb" });
    const job = await first.call<{ id: string }>("revise_note", { id });
    const done = await first.call("wait_for_events", { after: "earliest", events: ["JobCompleted"], timeout_ms: 10_000 });
    expect(done).toMatchObject({ events: [{ data: { job_id: job.id } }] });
    const refused = await runCli(["mcp", "--data-dir", dataDir]);
    expect([refused.code, refused.stdout]).toEqual([1, ""]);
    expect(refused.stderr).toContain("name that server with --url");
    await first.close();
    const second = await start(revision, "--data-dir", dataDir);
    expect(await second.call("get_note", { id })).toMatchObject({ title: "Plan", version: 2 });
    await second.close();
  }, 20_000);
});

describe("matric mcp --channel", () => {
  test.each(revisions)(
    "pushes events into the session of an agent that can take them, and speaks %s",
    async (revision) => {
      const agent = await start(revision, "--url", app.url, "--channel", "--events", "ThingHappened", "--every", "0.05");
      expect(agent.client.getServerCapabilities()?.experimental).toEqual({ "claude/channel": {} });
      expect(agent.client.getInstructions()).toContain('<channel source="matric">');
      const pushed: unknown[] = [];
      agent.client.fallbackNotificationHandler = async (notification) => {
        pushed.push(notification);
      };
      // As every agent does at first.
      await agent.client.listTools();
      const { events } = createClient({ url: app.url });
      await eventually(async () => {
        await events.publish({ event: "ThingHappened", data: { text: "</channel>" } });
        return pushed.length > 0;
      });
      expect(pushed[0]).toMatchObject({
        method: "notifications/claude/channel",
        params: { meta: { events: "ThingHappened" }, content: expect.stringContaining("\\u003c/channel\\u003e") },
      });
      await agent.close();
      await eventually(() => !isRunning(agent.pid));
    },
    20_000,
  );

  test("is told at once what is wrong with it", async () => {
    const wrong: [string[], string][] = [
      [["--channel", "--events", "NoteUpdatd"], "Did you mean NoteUpdated?"],
      [["--events", "NoteUpdated"], "--channel"],
      [["--url", app.url, "--data-dir", folder], "either --data-dir or --url"],
      [["--channel", "--every", "soon"], "number of seconds"],
    ];
    for (const [args, said] of wrong) {
      const { code, stdout, stderr } = await runCli(["mcp", ...args]);
      expect([args, code, stdout]).toEqual([args, 2, ""]);
      expect(stderr).toContain(said);
    }
  });
});

test("nothing but the protocol is written to stdout, whatever is sent", async () => {
  const messages = [
    "not json",
    '{"jsonrpc":"2.0"}',
    JSON.stringify({ jsonrpc: "2.0", id: 1, method: "nothing/known" }),
    JSON.stringify({ jsonrpc: "2.0", id: 2, method: "tools/call", params: { name: "get_note", arguments: { id: "x" } } }),
  ];
  const child = spawnCli(["mcp"], { url: app.url, stdin: `${messages.join("\n")}\n` });
  const lines = (await child.stdout.text()).split("\n").filter((line) => line !== "");
  expect(await child.exited).toBe(0);
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ jsonrpc: "2.0" });
});
