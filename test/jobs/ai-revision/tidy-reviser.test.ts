import { afterEach, expect, test } from "bun:test";
import { TidyReviser } from "../../../src/jobs/ai-revision/tidy-reviser.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";

const clock = new ManualClock();
const reviser = new TidyReviser(clock);
afterEach(() => reviser.stop());

/** Nested so deeply that the library would need most of a minute. */
const intricate = ">".repeat(20_000);

function start(text: string, signal = new AbortController().signal) {
  const progress: number[] = [];
  const revised = reviser.revise(text, { instructions: undefined, signal, progress: (percent) => progress.push(percent) });
  return { revised, progress };
}

test("tidies, says what it is, and tells its progress", async () => {
  const { revised, progress } = start("Title\n=====\n* a\n");
  expect(await revised).toBe("# Title\n\n- a\n");
  expect(progress).toEqual([10, 90]);
  expect(reviser.model).toBe("builtin-tidy");
});

test("takes one text after the other", async () => {
  const texts = ["* a", "* b", "* c"];
  expect(await Promise.all(texts.map((text) => start(text).revised))).toEqual(["- a\n", "- b\n", "- c\n"]);
});

test("gives up on a text that takes too long, and goes on with the next", async () => {
  const { revised } = start(intricate);
  const next = start("* a").revised;
  revised.catch(() => {});
  await settle();
  await clock.advance(30_000);
  await expect(revised).rejects.toMatchObject({ failure: { errorCode: "revision_too_complex", retry: false } });
  expect(await next).toBe("- a\n");
});

test("gives up on a text that takes the memory of the others, and goes on with the next", async () => {
  let free = 1000;
  const careful = new TidyReviser(clock, () => free);
  const tidy = (text: string) =>
    careful.revise(text, { instructions: undefined, signal: new AbortController().signal, progress: () => {} });
  const revised = tidy(intricate);
  revised.catch(() => {});
  await settle();
  free = 600;
  await clock.advance(1000);
  free = 400;
  await clock.advance(100);
  await expect(revised).rejects.toMatchObject({ failure: { errorCode: "revision_too_complex", retry: false } });
  expect(await tidy("* a")).toBe("- a\n");
  await careful.stop();
});

test("leaves off at once when the job is cancelled", async () => {
  const cancelled = new AbortController();
  const { revised } = start(intricate, cancelled.signal);
  revised.catch(() => {});
  await settle();
  cancelled.abort();
  await expect(revised).rejects.toThrow();
  expect(await start("* a").revised).toBe("- a\n");
});

test("gives its thread back after a minute of rest, and makes a new one when it is needed", async () => {
  await start("* a").revised;
  await clock.advance(60_000);
  expect(clock.pending()).toBe(0);
  expect(await start("* b").revised).toBe("- b\n");
});
