import type { Page } from "playwright-core";
import { createClient } from "../../../src/client/client.ts";
import { isInstalled, TestBrowser } from "../../ui/chromium.ts";
import { type Bench, number, type Scenario } from "../scenario.ts";
import { BenchServer } from "../server.ts";

const pixelMsMax = 100;
const frameMsMax = 50;
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

/** 500 events a second, with the inspector open: frames, and what stays in memory. */
async function flood({ binary, quick, report }: Bench): Promise<void> {
  const server = await BenchServer.matric(binary);
  const browser = await TestBrowser.open();
  const minutes = quick ? 1 : 10;
  try {
    const client = createClient({ url: `http://127.0.0.1:${server.port}` });
    const view = await openView(browser, client.url, "#/events");
    const session = await browser.context.newCDPSession(view);
    const heapMb = async () => {
      await session.send("HeapProfiler.collectGarbage");
      return (await session.send("Runtime.getHeapUsage")).usedSize / 1e6;
    };
    let sent = 0;
    const timer = setInterval(() => {
      const batch = Array.from({ length: 10 }, () => ({ event: "Flood", data: { n: sent++, words: "a few words of data" } }));
      void client.events.publishAll(batch);
    }, 20);
    // What the page keeps on purpose has to fill up first.
    await Bun.sleep(20_000);
    const first = await heapMb();
    await view.evaluate(`
      globalThis.frames = new Uint32Array(${frameMsCounted});
      let last = performance.now();
      const frame = (now) => { frames[Math.min(frames.length - 1, Math.ceil(now - last))]++; last = now; requestAnimationFrame(frame); };
      requestAnimationFrame(frame);
    `);
    const heaps: number[] = [];
    for (let step = 0; step < minutes * 2; step++) {
      await Bun.sleep(30_000);
      heaps.push(await heapMb());
    }
    const counts = await view.evaluate<number[]>("[...frames]");
    const frames = counts.flatMap((count, ms) => new Array<number>(count).fill(ms));
    clearInterval(timer);
    const slow = frames.filter((ms) => ms > frameMsMax).length;
    report({
      what: `500 events/s for ${minutes} min: frames p99 (over ${frameMsMax} ms, worst)`,
      figure: `${number(quantile(frames, 0.99))} ms (${slow} of ${frames.length}, ${number(frames.at(-1) ?? Number.NaN)} ms)`,
      target: `< ${frameMsMax} ms`,
      ok: quantile(frames, 0.99) < frameMsMax,
    });
    const last = Math.min(...heaps.slice(-3));
    report({
      what: `500 events/s for ${minutes} min: heap of the page at the end`,
      figure: `${number(last)} MB`,
      baseline: `${number(first)} MB after 20 s`,
      target: `< ${growthMax} times`,
      ok: last < first * growthMax,
    });
  } finally {
    await browser.close();
    await server.stop();
  }
}

async function openView(browser: TestBrowser, url: string, hash: string): Promise<Page> {
  const view = await browser.page();
  await view.goto(`${url}/${hash}`);
  await view.getByRole("button", { name: /^Connection: Live/ }).waitFor();
  return view;
}

function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
