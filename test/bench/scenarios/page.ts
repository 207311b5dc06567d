import type { Page } from "playwright-core";
import { createClient } from "../../../src/client/client.ts";
import { isInstalled, TestBrowser } from "../../ui/chromium.ts";
import { type Bench, median, number, type Scenario } from "../scenario.ts";
import { BenchServer } from "../server.ts";

const pixelMsMax = 100;
const frameMsMax = 50;
const floodPerSecond = 500;
/** Frames are counted by their length in whole milliseconds, up to here: a list of them would grow in the heap that is measured. */
const frameMsCounted = 2000;
/** How much more the page may hold at the end of a long flood than at its beginning. */
const growthMax = 1.15;
const jobs = 6;
const firstContentMsMax = 200;
const visits = 10;

/** What a person sees: how soon there is something, how soon a worker's commit is on the screen, and what a flood of events does to the page. */
export const page: Scenario = async (bench) => {
  if (!isInstalled) {
    bench.note("Chromium is not installed: nothing was measured");
    return;
  }
  await firstContent(bench);
  await pixels(bench);
  await flood(bench);
};

/** Visits, the first of which finds nothing in the browser's cache. */
async function firstContent({ binary, report }: Bench): Promise<void> {
  const server = await BenchServer.matric(binary);
  const browser = await TestBrowser.open();
  try {
    const paintedMs: number[] = [];
    for (let visit = 0; visit < visits; visit++) {
      const view = await openView(browser, `http://127.0.0.1:${server.port}`, "#/notes");
      await view.waitForFunction("performance.getEntriesByName('first-contentful-paint').length > 0");
      paintedMs.push(await view.evaluate<number>("performance.getEntriesByName('first-contentful-paint')[0].startTime"));
      await view.close();
    }
    const [first = Number.NaN] = paintedMs;
    const worst = Math.max(...paintedMs);
    report({
      what: `first content, worst of ${visits} visits (the first one)`,
      figure: `${number(worst)} ms (${number(first)})`,
      target: `< ${firstContentMsMax} ms`,
      ok: worst < firstContentMsMax,
    });
  } finally {
    await browser.close();
    await server.stop();
  }
}

/** External workers report progress ten times a second in all; every bar that moves says when it was painted. */
async function pixels({ binary, quick, report }: Bench): Promise<void> {
  const server = await BenchServer.matric(binary, undefined, { MATRIC_JOB_TYPES: "bench" });
  const browser = await TestBrowser.open();
  try {
    const client = createClient({ url: `http://127.0.0.1:${server.port}` });
    const view = await openView(browser, client.url, "#/notes");
    await view.getByRole("button", { name: /^Jobs:/ }).click();
    const names = new Map<string, string>();
    for (let index = 0; index < jobs; index++) {
      const { id: note_id } = await client.notes.create({ title: `Bench ${index}`, content: "" });
      await client.jobs.create({ type: "bench", note_id });
      const job = await client.jobs.claim({ types: ["bench"], worker_id: "bench" });
      if (job) names.set(job.id, `Progress: Bench ${index}`);
    }
    await view.getByRole("progressbar", { name: `Progress: Bench ${jobs - 1}` }).waitFor();
    await view.evaluate(`
      globalThis.painted = new Map();
      new MutationObserver((changes) => {
        const moved = changes.map(({ target }) => target.getAttribute("aria-label") + " " + target.getAttribute("aria-valuenow"));
        requestAnimationFrame(() => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = () => { for (const one of moved) painted.set(one, performance.timeOrigin + performance.now()); };
          port2.postMessage(null);
        });
      }).observe(document.querySelector("#jobs-panel"), { subtree: true, attributeFilter: ["aria-valuenow"] });
    `);
    for (let percent = 1; percent <= (quick ? 25 : 99); percent++) {
      for (const id of names.keys()) {
        await client.jobs.progress(id, { progress: percent });
        await Bun.sleep(100);
      }
    }
    await Bun.sleep(500);
    const painted = new Map(await view.evaluate<[string, number][]>("[...painted]"));
    const latenciesMs: number[] = [];
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const filter = { events: ["JobProgress"] };
      const { items, next_cursor } = await client.events.list({ filter, limit: 500, ...(cursor ? { cursor } : {}) });
      for (const { data, time } of items) {
        const at = painted.get(`${names.get(String(data.job_id))} ${data.progress}`);
        if (at !== undefined) latenciesMs.push(at - Date.parse(time));
      }
      cursor = next_cursor;
    }
    latenciesMs.sort((a, b) => a - b);
    const p95 = quantile(latenciesMs, 0.95);
    report({
      what: `worker's commit to changed pixel p95 (p50, worst of ${latenciesMs.length})`,
      figure: `${number(p95)} ms (${number(quantile(latenciesMs, 0.5))}, ${number(latenciesMs.at(-1) ?? Number.NaN)})`,
      target: `< ${pixelMsMax} ms`,
      ok: p95 < pixelMsMax,
    });
  } finally {
    await browser.close();
    await server.stop();
  }
}

/**
 * 500 events a second for ten minutes, with the inspector open: frames, long tasks, and what stays in memory. Tells how it
 * goes every 30 seconds, on stderr; the frames in which the heap is looked at are not counted, the browser stands still then.
 */
async function flood({ binary, quick, report, note }: Bench): Promise<void> {
  const server = await BenchServer.matric(binary);
  const browser = await TestBrowser.open();
  const minutes = quick ? 1 : 10;
  let isOver = false;
  try {
    const client = createClient({ url: `http://127.0.0.1:${server.port}` });
    const view = await openView(browser, client.url, "#/events");
    const session = await browser.context.newCDPSession(view);
    const heapMb = async () => {
      await session.send("HeapProfiler.collectGarbage");
      return (await session.send("Runtime.getHeapUsage")).usedSize / 1e6;
    };
    let sent = 0;
    let refused: unknown;
    const startedAtMs = performance.now();
    const publishing = (async () => {
      while (!isOver) {
        const due = Math.floor(((performance.now() - startedAtMs) / 1000) * floodPerSecond) - sent;
        const batch = Array.from({ length: Math.min(due, 100) }, (_, at) => ({
          event: "Flood",
          data: { n: sent + at, words: "a few words of data" },
        }));
        if (batch.length > 0) await client.events.publishAll(batch);
        sent += batch.length;
        await Bun.sleep(20);
      }
    })().catch((error: unknown) => {
      refused = error;
    });
    // What the page keeps on purpose has to fill up first.
    await Bun.sleep(20_000);
    const first = await heapMb();
    await view.evaluate(watchFrames);
    const measuredFromMs = performance.now();
    const sentBefore = sent;
    const heaps: number[] = [];
    const frames: number[] = [];
    let tasks: number[] = [];
    for (let step = 1; step <= minutes * 2; step++) {
      await Bun.sleep(30_000);
      const taken = await view.evaluate<Watched>("takeFrames()");
      const some = taken.counts.flatMap((count, ms) => new Array<number>(count).fill(ms));
      frames.push(...some);
      tasks = tasks.concat(taken.tasks);
      const heap = await heapMb();
      heaps.push(heap);
      await view.evaluate("watchOn()");
      const longest = Math.max(0, ...taken.tasks);
      process.stderr.write(
        `page, ${step * 30} s: frames p99 ${quantile(some, 0.99)} ms, worst ${some.at(-1)} ms; long tasks ${taken.tasks.length}, worst ${number(longest)} ms; heap ${number(heap)} MB\n`,
      );
    }
    const rate = (sent - sentBefore) / ((performance.now() - measuredFromMs) / 1000);
    isOver = true;
    await publishing;
    if (refused) throw refused;
    frames.sort((a, b) => a - b);
    const worst = frames.at(-1) ?? Number.NaN;
    const slow = frames.filter((ms) => ms > frameMsMax).length;
    const flooded = `500 events/s for ${minutes} min`;
    report({
      what: `${flooded}: published`,
      figure: `${number(rate)}/s`,
      target: `> ${floodPerSecond * 0.98}/s`,
      ok: rate > floodPerSecond * 0.98,
    });
    report({
      what: `${flooded}: frames p99 (p99.9)`,
      figure: `${number(quantile(frames, 0.99))} ms (${number(quantile(frames, 0.999))})`,
      target: `< ${frameMsMax} ms`,
      ok: quantile(frames, 0.99) < frameMsMax,
    });
    report({
      what: `${flooded}: worst frame (over ${frameMsMax} ms, of all)`,
      figure: `${number(worst)} ms (${slow} of ${frames.length.toLocaleString("en-US")})`,
      target: `< ${frameMsMax} ms`,
      ok: worst < frameMsMax,
    });
    note(`${flooded}: ${tasks.length} tasks of the page over 50 ms, the worst ${number(Math.max(0, ...tasks))} ms`);
    const last = median(heaps.slice(-3));
    report({
      what: `${flooded}: heap of the page at the end (most)`,
      figure: `${number(last)} MB (${number(Math.max(...heaps))})`,
      baseline: `${number(first)} MB after 20 s`,
      target: `< ${growthMax} times`,
      ok: last < first * growthMax,
    });
  } finally {
    isOver = true;
    await browser.close();
    await server.stop();
  }
}

/** Of the time since it was last asked: how many frames took each number of milliseconds, and the tasks over 50 ms. */
interface Watched {
  counts: number[];
  tasks: number[];
}

const watchFrames = `
  let counts = new Uint32Array(${frameMsCounted});
  let tasks = [];
  let last;
  const frame = (now) => {
    if (last !== undefined) counts[Math.min(counts.length - 1, Math.ceil(now - last))]++;
    last = now;
    next = requestAnimationFrame(frame);
  };
  let next = requestAnimationFrame(frame);
  const observer = new PerformanceObserver((list) => { for (const { duration } of list.getEntries()) tasks.push(duration); });
  observer.observe({ type: "longtask" });
  globalThis.takeFrames = () => {
    cancelAnimationFrame(next);
    observer.disconnect();
    const taken = { counts: [...counts], tasks };
    counts.fill(0);
    tasks = [];
    return taken;
  };
  globalThis.watchOn = () => {
    last = undefined;
    next = requestAnimationFrame(frame);
    observer.observe({ type: "longtask" });
  };
`;

async function openView(browser: TestBrowser, url: string, hash: string): Promise<Page> {
  const view = await browser.page();
  await view.goto(`${url}/${hash}`);
  await view.getByRole("button", { name: /^Connection: Live/ }).waitFor();
  return view;
}

function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
