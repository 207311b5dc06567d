import { describe, expect, test } from "bun:test";
import { ProgressBar } from "../../cli/progress.ts";
import { fakeIo } from "../support/fake-io.ts";

describe("the progress bar", () => {
  test("is drawn in place and taken away", async () => {
    const { stderr } = fakeIo({ isTty: true });
    const bar = new ProgressBar(stderr, () => 0);
    await bar.show(0.5, "half\x1b[2J");
    await bar.clear();
    expect(stderr.text).toBe(`\r\x1b[K${"█".repeat(12)}${"░".repeat(12)}  50 %  half\\u001b[2J\r\x1b[K`);
  });

  test("is not there without a terminal", async () => {
    const { stderr } = fakeIo();
    const bar = new ProgressBar(stderr);
    await bar.show(0.5, "half");
    await bar.clear();
    expect(stderr.text).toBe("");
  });

  test("fits the line, and is not redrawn faster than anybody can read", async () => {
    const { stderr } = fakeIo({ isTty: true });
    stderr.columns = 30;
    let nowMs = 0;
    const bar = new ProgressBar(stderr, () => nowMs);
    for (nowMs = 0; nowMs < 1000; nowMs++) await bar.show(2, "x".repeat(100));
    const draws = stderr.text.split("\r\x1b[K").slice(1);
    expect(draws).toHaveLength(13);
    expect(draws.every((line) => line.length === 29)).toBe(true);
  });

  test("fits the line by what is seen: wide letters would wrap, and every redraw leave a line behind", async () => {
    const { stderr } = fakeIo({ isTty: true });
    stderr.columns = 60;
    await new ProgressBar(stderr, () => 0).show(0.5, "日本語のメモ.md".repeat(10));
    expect(Bun.stringWidth(stderr.text.replace("\r\x1b[K", ""))).toBeLessThan(60);
  });
});
