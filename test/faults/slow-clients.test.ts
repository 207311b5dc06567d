import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "../../src/client/client.ts";
import { buildBinary } from "../support/binary.ts";
import { BinaryServer } from "../support/binary-server.ts";
import { eventually } from "../support/eventually.ts";
import { TcpClient } from "../support/tcp-client.ts";

/** Longer where there is time. */
const seconds = Number(process.env.MATRIC_TEST_SECONDS ?? 14);
const slowConnections = 200;

const hasAttacker = Bun.which("slowhttptest") !== null;
if (!hasAttacker && process.env.CI === "true")
  throw new Error("install Debian's package slowhttptest: this test must not be skipped here");
if (!hasAttacker) process.stderr.write("SKIPPED: slow clients; apt-get install slowhttptest\n");

let binary: ReturnType<typeof buildBinary>;
let server: BinaryServer;
let dataDir: string;

beforeAll(async () => {
  binary = buildBinary();
  dataDir = mkdtempSync(join(tmpdir(), "matric-test-"));
  server = new BinaryServer(binary.path, dataDir, { MATRIC_BODY_SECONDS: "5", MATRIC_CONNECTIONS_MAX: "300" });
  await server.start();
}, 120_000);

afterAll(async () => {
  await server.kill();
  binary.remove();
  rmSync(dataDir, { recursive: true });
});

async function figure(name: string): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
}

const openFiles = () => figure("process_open_fds");
const memoryBytes = () => figure("process_resident_memory_bytes");

/** As the program understands it: headers, bodies, and answers that are asked for again and again, or read a few bytes at a time. */
const modes: Record<string, (url: string) => string[]> = {
  headers: (url) => ["-H", "-i", "3", "-x", "24", "-u", `${url}/api/v1/notes`],
  bodies: (url) => ["-B", "-i", "2", "-s", "8192", "-t", "POST", "-f", "application/json", "-u", `${url}/api/v1/notes`],
  ranges: (url) => ["-R", "-t", "HEAD", "-a", "5", "-b", "2000", "-u", `${url}/`],
  readers: (url) => ["-X", "-k", "3", "-w", "512", "-y", "1024", "-n", "3", "-z", "32", "-u", `${url}/swagger/json`],
};

test.skipIf(!hasAttacker)(
  "hundreds of clients as slow as can be, in four ways at once, keep nobody else from being served",
  async () => {
    const client = createClient({ url: server.url });
    await client.events.publish({ event: "ThingHappened", data: {} });
    const before = { files: await openFiles(), bytes: await memoryBytes() };
    const attackers = Object.values(modes).map((options) => {
      const load = ["-c", String(slowConnections), "-r", "200", "-l", String(seconds), "-p", "10"];
      return Bun.spawn(["slowhttptest", ...load, ...options(server.url)], { stdout: "pipe", stderr: "pipe" });
    });
    let isOver = false;
    const over = Promise.all(attackers.map(({ exited }) => exited)).then(() => {
      isOver = true;
    });
    let slowestMs = 0;
    let filesMost = 0;
    let bytesMost = 0;
    let served = 0;
    while (!isOver) {
      const startedMs = performance.now();
      const id = await client.events.publish({ event: "ThingHappened", data: {} });
      expect((await client.events.get(id)).id).toBe(id);
      slowestMs = Math.max(slowestMs, performance.now() - startedMs);
      filesMost = Math.max(filesMost, await openFiles());
      bytesMost = Math.max(bytesMost, await memoryBytes());
      served++;
      await Promise.race([Bun.sleep(100), over]);
    }
    const reports = await Promise.all(attackers.map(({ stdout }) => stdout.text()));
    for (const report of reports.map(Bun.stripANSI)) {
      expect(report).toMatch(/service available: +YES/);
      expect(report).not.toMatch(/service available: +NO/);
    }
    expect(served).toBeGreaterThan(20);
    // They were there, all at once.
    expect(filesMost - before.files).toBeGreaterThan(slowConnections * 2);
    expect(slowestMs).toBeLessThan(3000);
    expect(bytesMost - before.bytes).toBeLessThan(200 * 1024 * 1024);
    await eventually(async () => (await openFiles()) <= before.files + 5, 30_000);
  },
  60_000 + seconds * 2000,
);

const attempts = Number(process.env.MATRIC_TEST_ATTEMPTS ?? 2000);

test(
  "as many connection attempts as come, past the limit each is told so and lets go, and afterwards there is room again",
  async () => {
    const before = { files: await openFiles(), bytes: await memoryBytes() };
    const request = "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const handshake = `GET /api/v1/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${btoa("x".repeat(16))}\r\n\r\n`;
    const held = await Promise.all(Array.from({ length: 300 }, () => TcpClient.open(server.url)));
    for (const one of held) one.send(request);
    await eventually(() => held.every(({ text }) => text.includes("ConnectionOpened")));
    let made = 0;
    const refusals = { stream: 0, socket: 0 };
    const attacker = async () => {
      while (made < attempts) {
        const isSocket = made++ % 4 === 0;
        const one = await TcpClient.open(server.url);
        one.send(isSocket ? handshake : request);
        await eventually(() => (isSocket ? one.text.includes('"limit":"connections"') : one.isClosed), 30_000);
        if (isSocket) refusals.socket += Number(one.text.startsWith("HTTP/1.1 503 "));
        else refusals.stream += Number(one.text.startsWith("HTTP/1.1 200 ") && one.text.includes('"reason":"draining"'));
        one.close();
      }
    };
    await Promise.all(Array.from({ length: 50 }, attacker));
    expect(refusals.stream + refusals.socket).toBe(made);
    expect(held.every(({ isClosed }) => !isClosed)).toBe(true);
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
    expect((await memoryBytes()) - before.bytes).toBeLessThan(150 * 1024 * 1024);
    for (const one of held) one.close();
    await eventually(async () => (await openFiles()) <= before.files + 5, 30_000);
    const again = await TcpClient.open(server.url);
    again.send(request);
    await eventually(() => again.text.includes("ConnectionOpened"));
    again.close();
  },
  60_000 + attempts * 20,
);
