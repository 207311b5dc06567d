import { expect, test } from "bun:test";
import { join } from "node:path";

test("nothing of the protocol's code is loaded before the first agent comes", async () => {
  const host = join(import.meta.dir, "../../src/mcp/host.ts");
  const script = `
    const { McpHost } = await import(${JSON.stringify(host)});
    const options = { engines: { log: { onAppend() {} } }, clock: { after: () => () => {}, monotonicMs: () => 0 }, waitersMax: 1, sessionsMax: 1 };
    const isLoaded = () => Object.keys(require.cache).some((file) => file.includes("@modelcontextprotocol/server"));
    const host = new McpHost(options);
    const before = [isLoaded(), host.status()];
    const { status } = await host.handle(new Request("http://127.0.0.1/mcp"));
    const after = [isLoaded(), host.status(), status];
    await host.stop();
    console.log(JSON.stringify([before, after, (await host.handle(new Request("http://127.0.0.1/mcp"))).status]));
    process.exit();
  `;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
  const nothing = { sessions: 0, streams: 0, waiters: 0 };
  expect(JSON.parse(await child.stdout.text())).toEqual([[false, nothing], [true, nothing, 400], 503]);
});
