import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { StdoutSink } from "../src/stdout.ts";

/** A reader that takes what is written when the test says so. */
function slowReader() {
  const writes: string[] = [];
  const waiting: PromiseWithResolvers<void>[] = [];
  const write = (text: string) => {
    writes.push(text);
    const taken = Promise.withResolvers<void>();
    waiting.push(taken);
    return taken.promise;
  };
  return { writes, write, take: () => waiting.shift()?.resolve(), refuse: () => waiting.shift()?.reject(new Error("EPIPE")) };
}

describe("lines for standard output", () => {
  test("leave together, in order", async () => {
    const writes: string[] = [];
    const sink = new StdoutSink(async (text) => writes.push(text));
    sink.write("a\n");
    sink.write("b\n");
    expect(writes).toEqual([]);
    await sink.flush();
    expect(writes).toEqual(["a\nb\n"]);
    await sink.flush();
    expect(writes).toHaveLength(1);
  });

  test("leave at once when there are many", () => {
    const { writes, write } = slowReader();
    const sink = new StdoutSink(write);
    for (let count = 0; count < 70; count++) sink.write(`${"x".repeat(1000)}\n`);
    expect(writes).toHaveLength(1);
  });

  test("are dropped and counted, never waited for, when nobody reads", () => {
    const { writes, write } = slowReader();
    const sink = new StdoutSink(write);
    const line = `${"x".repeat(1023)}\n`;
    for (let count = 0; count < 10_000; count++) sink.write(line);
    expect(sink.dropped).toBe(10_000 - 4096);
    expect(writes).toHaveLength(1);
  });

  test("that were not dropped all arrive once the reader reads again", async () => {
    const { writes, write, take } = slowReader();
    const sink = new StdoutSink(write);
    for (let count = 0; count < 5000; count++) sink.write(`${"x".repeat(1019)}${String(count).padStart(4, "0")}\n`);
    const flushed = sink.flush();
    for (let turns = 0; turns < 10; turns++) {
      take();
      await Promise.resolve();
    }
    await flushed;
    const lines = writes.join("").split("\n").slice(0, -1);
    expect(lines).toHaveLength(5000 - sink.dropped);
    expect(lines.map((line) => Number(line.slice(-4)))).toEqual(Array.from({ length: lines.length }, (_, index) => index));
    sink.write("again\n");
    expect(sink.dropped).toBe(5000 - lines.length);
  });

  test("a reader that went away ends nothing", async () => {
    const { writes, write, refuse, take } = slowReader();
    const sink = new StdoutSink(write);
    sink.write("a\n");
    const flushed = sink.flush();
    refuse();
    await flushed;
    sink.write("b\n");
    const again = sink.flush();
    take();
    await again;
    expect(writes).toEqual(["a\n", "b\n"]);
  });

  test("that nobody can read any more count as dropped", async () => {
    const { write, refuse } = slowReader();
    const sink = new StdoutSink(write);
    sink.write("a\n");
    sink.write("b\n");
    const flushed = sink.flush();
    refuse();
    await flushed;
    expect(sink.dropped).toBe(2);
  });

  test("are not waited for longer than agreed at the end", async () => {
    const { write } = slowReader();
    const sink = new StdoutSink(write);
    sink.write("a\n");
    const started = performance.now();
    await sink.flush(20);
    expect(performance.now() - started).toBeLessThan(500);
  });
});

test("a process whose output nobody reads goes on, and ends", async () => {
  const script = `
    import { StdoutSink } from ${JSON.stringify(join(import.meta.dir, "../src/stdout.ts"))};
    const sink = new StdoutSink();
    for (let count = 0; count < 20_000; count++) {
      sink.write("x".repeat(999) + "\\n");
      if (count % 1000 === 0) await Bun.sleep(0);
    }
    await sink.flush(50);
    process.stderr.write(JSON.stringify({ dropped: sink.dropped, mb: process.memoryUsage().rss / 1e6 }));
    process.exit(0);`;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "pipe" });
  // Nobody touches child.stdout.
  const said = JSON.parse(await child.stderr.text());
  expect(await child.exited).toBe(0);
  expect(said.dropped).toBeGreaterThan(1000);
  expect(said.mb).toBeLessThan(200);
});

test("a process whose reader is gone goes on in silence, however much it has to say", async () => {
  const script = `
    import { StdoutSink } from ${JSON.stringify(join(import.meta.dir, "../src/stdout.ts"))};
    const sink = new StdoutSink();
    for (let count = 0; count < 20_000 || (sink.dropped === 0 && count < 200_000); count++) {
      sink.write("x".repeat(99) + "\\n");
      if (count % 1000 === 0) await Bun.sleep(1);
    }
    await sink.flush(50);
    process.stderr.write(JSON.stringify({ dropped: sink.dropped }));
    process.exit(0);`;
  const child = Bun.spawn(["sh", "-c", '"$0" -e "$1" | true', process.execPath, script], { stdout: "ignore", stderr: "pipe" });
  const said = await child.stderr.text();
  expect(await child.exited).toBe(0);
  // But for what the pipe took while its reader was there.
  expect(JSON.parse(said).dropped).toBeGreaterThan(15_000);
});
