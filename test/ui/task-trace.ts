import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import type { CDPSession, Page } from "playwright-core";

const Thread = Type.Object({
  name: Type.Literal("thread_name"),
  pid: Type.Number(),
  tid: Type.Number(),
  args: Type.Object({ name: Type.Literal("CrRendererMain") }),
});
/** `tdur`: for how long the thread had the processor, in microseconds. */
const Task = Type.Object({ name: Type.Literal("RunTask"), pid: Type.Number(), tid: Type.Number(), tdur: Type.Number() });

/** What the browser's pages do, task by task. What other programs take of the processor meanwhile does not count. */
export class TaskTrace {
  readonly #seen: unknown[] = [];

  private constructor(private readonly session: CDPSession) {
    session.on("Tracing.dataCollected", ({ value }) => this.#seen.push(...value));
  }

  static async start(page: Page): Promise<TaskTrace> {
    const trace = new TaskTrace(await page.context().newCDPSession(page));
    const includedCategories = ["disabled-by-default-devtools.timeline"];
    await trace.session.send("Tracing.start", { traceConfig: { includedCategories, excludedCategories: ["*"] } });
    return trace;
  }

  /** Ends it: the milliseconds of processor time of every task on the pages' main threads. */
  async end(): Promise<number[]> {
    const complete = new Promise((resolve) => this.session.once("Tracing.tracingComplete", resolve));
    await this.session.send("Tracing.end");
    await complete;
    const threads = new Set(this.#seen.filter((one) => Value.Check(Thread, one)).map(({ pid, tid }) => `${pid} ${tid}`));
    const tasks = this.#seen.filter((one) => Value.Check(Task, one)).filter(({ pid, tid }) => threads.has(`${pid} ${tid}`));
    return tasks.map(({ tdur }) => tdur / 1000);
  }
}
