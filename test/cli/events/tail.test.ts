import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run as tail } from "../../../cli/events/tail.ts";
import { createClient } from "../../../src/client/client.ts";
import { jsonLines, lineReader, runCli, spawnCli } from "../../support/cli.ts";
import { fakeIo } from "../../support/fake-io.ts";
import { ServerProcess } from "../../support/server-process.ts";

let server: ServerProcess;
beforeAll(async () => {
  server = await ServerProcess.start();
});
afterAll(() => server.stop());

const publish = (count: number, event: string) =>
  createClient({ url: server.url }).events.publishAll(Array.from({ length: count }, (_, index) => ({ event, data: { index } })));
const run = (...args: string[]) => runCli(["events", "tail", ...args], { url: server.url });

/** A tail that runs: everything after `since`. */
function follow(since: string, ...args: string[]) {
  const child = spawnCli(["events", "tail", "--json", "--since", since, ...args], { url: server.url });
  return { child, lines: lineReader(child.stdout), remarks: lineReader(child.stderr) };
}

describe("events tail", () => {
  test("writes the server's JSON unchanged, one event per line, and ends after --count", async () => {
    const ids = await publish(3, "Counted");
    const { code, stdout, stderr } = await run("--since", "earliest", "--events", "Counted", "--count", "2", "--json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(jsonLines(stdout).map(({ id }) => id)).toEqual(ids.slice(0, 2));
    const response = await fetch(`${server.url}/api/v1/events/${ids[0]}`);
    expect(stdout.split("\n")[0]).toBe(await response.text());
  });

  test("follows live, and goes on after an id", async () => {
    const [first = ""] = await publish(1, "Live");
    const { lines, child } = follow(first, "--events", "Live");
    for (let round = 0; round < 3; round++) {
      const ids = await publish(2, "Live");
      expect([await lines.next(), await lines.next()].map((line) => JSON.parse(line).id)).toEqual(ids);
    }
    child.kill("SIGINT");
    expect(await child.exited).toBe(130);
  });

  test("says on a terminal what it waits for", async () => {
    const { io, stderr, stop } = fakeIo({ isTty: true });
    const context = { io, json: false, client: createClient({ url: server.url }), signal: stop.signal };
    const told = stderr.seen("Ctrl-C ends it.\n");
    const following = tail({ untilIdle: 0.1 }, context);
    await told;
    await following;
    expect(stderr.text).toBe(`Following ${server.url}; Ctrl-C ends it.\n`);
  });

  test("ends with --until-idle when nothing comes", async () => {
    await publish(1, "Idle");
    const { code, stdout } = await run("--since", "earliest", "--events", "Idle", "--until-idle", "0.3");
    expect(code).toBe(0);
    expect(stdout.split("\t")[2]).toBe("Idle");
  });

  test("a typing error in a name is told, not waited for", async () => {
    const { code, stderr } = await run("--events", "NoteUpdatd", "--json");
    expect(code).toBe(2);
    expect(jsonLines(stderr)).toEqual([
      { error: { code: "invalid", field: "events", status: 422, message: expect.stringContaining("NoteUpdated") } },
    ]);
  });

  test("tells of a gap on stderr", async () => {
    await publish(1, "Gap");
    const { stderr, code } = await run("--since", "5-zzzzzz", "--until-idle", "0.3", "--json");
    expect(code).toBe(0);
    expect(jsonLines(stderr)).toEqual([{ warning: { code: "stream_gap", message: expect.stringContaining("other_epoch") } }]);
  });

  test.each([
    ["while there is more to say", 1000],
    ["when there is nothing more to say", 1],
  ])("a reader that has seen enough ends it quietly, %s", async (_, count) => {
    await publish(count, `Piped${count}`);
    const script = `"${process.execPath}" cli/main.ts events tail --since earliest --events Piped${count} --json | head -n 1`;
    const child = Bun.spawn(["/bin/bash", "-c", `${script}; exit \${PIPESTATUS[0]}`], {
      cwd: join(import.meta.dir, "../../.."),
      env: { PATH: process.env.PATH ?? "", MATRIC_URL: server.url },
      stdout: "pipe",
      stderr: "pipe",
    });
    expect(await child.stdout.text()).toContain('"id"');
    expect(await child.stderr.text()).toBe("");
    expect(await child.exited).toBe(0);
  });

  test("--exec runs the command for each event in order, with its JSON as input, and goes on when it fails", async () => {
    const ids = await publish(3, "Executed");
    const file = join(await mkdtemp(join(tmpdir(), "matric-test-")), "out");
    const command = `echo "$MATRIC_EVENT $MATRIC_EVENT_ID" >> ${file}; cat >> ${file}; echo spoken; exit 7`;
    const { code, stdout, stderr } = await run("--since", "earliest", "--events", "Executed", "--count", "3", "--exec", command);
    expect(code).toBe(0);
    expect(stdout).toBe("spoken\n".repeat(3));
    expect(stderr.match(/failed with exit code 7/g)).toHaveLength(3);
    const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
    expect(lines.filter((_, index) => index % 2 === 0)).toEqual(ids.map((id) => `Executed ${id}`));
    expect(lines.filter((_, index) => index % 2 === 1).map((line) => JSON.parse(line).id)).toEqual(ids);
  });

  test("with --exec and --json stdout holds events alone; a command need not read its input", async () => {
    await publish(1, "ExecutedToo");
    const result = await run("--since", "earliest", "--events", "ExecutedToo", "--count", "1", "--json", "--exec", "echo spoken");
    expect(result).toMatchObject({ code: 0, stderr: "spoken\n" });
    expect(jsonLines(result.stdout)).toHaveLength(1);
  });

  test("a slow reader slows it down, and misses nothing", async () => {
    const [first = ""] = await publish(1, "Slow");
    const filler = "x".repeat(1000);
    const total = 30_000;
    for (let sent = 0; sent < total; sent += 500) {
      await createClient({ url: server.url }).events.publishAll(
        Array.from({ length: 500 }, () => ({ event: "Slow", data: { filler } })),
      );
    }
    const { child, lines } = follow(first, "--events", "Slow", "--count", String(total));
    await lines.next();
    // Nobody reads now; it stops taking from the server, which is left with events that it cannot send.
    for (let queuedBytes = 0; queuedBytes === 0; ) {
      const response = await fetch(`${server.url}/api/v1/connections`);
      const { items } = (await response.json()) as { items: { queued_bytes: number }[] };
      queuedBytes = items[0]?.queued_bytes ?? 0;
    }
    let previous = 0;
    for (let count = 1; count < total; count++) {
      const seq = Number.parseInt(JSON.parse(await lines.next()).id, 10);
      if (seq <= previous) throw new Error(`${seq} after ${previous}`);
      previous = seq;
    }
    expect(await child.exited).toBe(0);
  }, 30_000);

  test("survives a server that is killed and started again: nothing lost, nothing twice", async () => {
    const [first = ""] = await publish(1, "Survived");
    const { child, lines, remarks } = follow(first, "--events", "Survived");
    const expected = await publish(5, "Survived");
    const seen = [JSON.parse(await lines.next()).id];
    for (let round = 0; round < 2; round++) {
      await server.kill();
      expect(JSON.parse(await remarks.next()).warning.code).toBe("reconnecting");
      await server.restart();
      expected.push(...(await publish(5, "Survived")));
      expect(JSON.parse(await remarks.next()).warning.code).toBe("reconnected");
    }
    while (seen.length < expected.length) seen.push(JSON.parse(await lines.next()).id);
    expect(seen).toEqual(expected);
    child.kill("SIGINT");
    await child.exited;
  }, 30_000);
});
