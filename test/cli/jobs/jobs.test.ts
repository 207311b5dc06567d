import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { followJob } from "../../../cli/jobs/follow.ts";
import { type Client, createClient } from "../../../src/client/client.ts";
import { jsonLines, lineReader, runCli, spawnCli } from "../../support/cli.ts";
import { fakeIo } from "../../support/fake-io.ts";
import { ServerProcess } from "../../support/server-process.ts";

let server: ServerProcess;
let client: Client;
beforeAll(async () => {
  server = await ServerProcess.start({ MATRIC_JOB_TYPES: "demo", MATRIC_JOB_ATTEMPTS: "1" });
  client = createClient({ url: server.url });
});
afterAll(() => server.stop());

const run = (...args: string[]) => runCli(args, { url: server.url });

/** A job that the test itself works on. */
async function claimed() {
  const { id } = await client.jobs.create({ type: "demo" });
  const job = await client.jobs.claim({ types: ["demo"], worker_id: "test" });
  expect(job?.id).toBe(id);
  return { id, worker_id: "test" };
}

describe("jobs", () => {
  test("are listed, shown, cancelled and tried again", async () => {
    const { id } = await client.jobs.create({ type: "demo" });
    expect(jsonLines((await run("jobs", "list", "--status", "queued", "--type", "demo", "--json")).stdout)).toEqual([
      expect.objectContaining({ id }),
    ]);
    expect((await run("jobs", "list", "--type", "demo")).stdout.split("\t").slice(0, 3)).toEqual([id, "demo", "queued"]);
    expect((await run("jobs", "show", id)).stdout).toContain("status\tqueued\n");
    expect(jsonLines((await run("jobs", "cancel", id, "--json")).stdout)).toEqual([
      expect.objectContaining({ id, status: "cancelled" }),
    ]);
    expect((await run("jobs", "retry", id)).stdout).toBe(`${id}\n`);
    expect((await run("jobs", "cancel", id)).code).toBe(0);
    expect((await run("jobs", "show", "nothing")).code).toBe(3);
  });

  test("a watch ends with its job", async () => {
    const { id, worker_id } = await claimed();
    const child = spawnCli(["jobs", "watch", id, "--json"], { url: server.url });
    await client.jobs.progress(id, { progress: 50, worker_id });
    await client.jobs.complete(id, { result: { ok: true }, worker_id });
    expect(await child.exited).toBe(0);
    expect(jsonLines(await child.stdout.text())).toEqual([
      expect.objectContaining({ id, status: "completed", result: { ok: true } }),
    ]);
    expect((await run("jobs", "watch", id)).stdout).toBe(`${id}\n`);
  });

  test("a failed job ends its watch with 1 and says why", async () => {
    const { id, worker_id } = await claimed();
    await client.jobs.fail(id, { error_code: "no_luck", error: "Try tomorrow.", retry: false, worker_id });
    const watched = await run("jobs", "watch", id, "--json");
    expect(watched.code).toBe(1);
    expect(jsonLines(watched.stderr)).toEqual([{ error: { code: "no_luck", message: `Job ${id} failed: Try tomorrow.` } }]);
  });

  test("a watch goes on over a killed server, and shows the progress on a terminal", async () => {
    const { id, worker_id } = await claimed();
    const { io, stderr } = fakeIo({ isTty: true });
    const watching = followJob(id, { io, client, json: false, signal: new AbortController().signal });
    const shown = stderr.seen("40 %  on the way");
    await client.jobs.progress(id, { progress: 40, message: "on the way", worker_id });
    await shown;
    await server.kill();
    await server.restart();
    await client.jobs.complete(id, { worker_id });
    expect(await watching).toMatchObject({ id, status: "completed" });
    expect(stderr.text).toContain("Connected again.\n");
    // Whatever bar was shown last has been taken away.
    expect(["\n", "\x1b[K"].some((end) => stderr.text.endsWith(end))).toBe(true);
  }, 20_000);

  test("without an id everything that happens to jobs is told", async () => {
    const child = spawnCli(["jobs", "watch", "--json"], { url: server.url });
    const lines = lineReader(child.stdout);
    const next = lines.next();
    let isTold = false;
    next.finally(() => {
      isTold = true;
    });
    // Again until it listens.
    while (!isTold) await client.jobs.cancel((await client.jobs.create({ type: "demo" })).id);
    expect(JSON.parse(await next).event).toMatch(/^Job/);
    child.kill("SIGINT");
    expect(await child.exited).toBe(130);
  });
});

describe("the queue", () => {
  test("is shown, paused and resumed", async () => {
    expect(jsonLines((await run("queue", "pause", "--json")).stdout)).toEqual([expect.objectContaining({ paused: true })]);
    expect((await run("queue", "status")).stdout).toContain("paused\tyes\n");
    expect((await run("queue", "resume")).stdout).toContain("paused\tno\n");
  });
});

describe("status", () => {
  test("tells how the server is", async () => {
    const { code, stdout } = await run("status", "--json");
    expect(code).toBe(0);
    expect(jsonLines(stdout)).toEqual([
      expect.objectContaining({ status: "ok", url: server.url, queue: expect.objectContaining({ paused: false }) }),
    ]);
    expect((await run("status")).stdout).toContain("status\tok\n");
  });
});
