import { expect, test } from "bun:test";
import { Api } from "../../src/client/api.ts";
import { ServerApi } from "../../src/client/server-api.ts";
import { ManualClock } from "../support/manual-clock.ts";

test("a server that does not say within seconds how it is, is not well", async () => {
  const clock = new ManualClock();
  const silent = new Api({
    url: "http://example.org",
    clock,
    fetch: (_url, { signal }) => new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason))),
  });
  const error = new ServerApi(silent).health().catch((cause: unknown) => cause);
  await clock.advance(5000);
  expect(await error).toMatchObject({
    code: "timed_out",
    message: "http://example.org did not answer within 5 seconds.",
  });
});
