import { beforeEach, describe, expect, test } from "bun:test";
import { type LogFields, silentLogger } from "../../src/logger.ts";
import { AdminNotice } from "../../src/webhooks/admin-notice.ts";
import type { DeliveryRow } from "../../src/webhooks/delivery-store.ts";
import type { WebhookRow } from "../../src/webhooks/store.ts";
import { ManualClock, settle } from "../support/manual-clock.ts";

const webhook = { id: "w1", url: "https://ci.example/hook?token=secret", description: "" } as WebhookRow;
const delivery = {
  id: "d1",
  event: "JobCompleted",
  event_id: "7-abc",
  attempts: 5,
  last_status: 503,
  last_error_code: "http_error",
} as DeliveryRow;

let clock: ManualClock;
let logged: { message: string; fields: LogFields | undefined }[];
let posts: { url: string; body: Record<string, unknown> }[];
let status: number | "unreachable" | "silent";

beforeEach(() => {
  clock = new ManualClock();
  logged = [];
  posts = [];
  status = 200;
});

async function tell(url: string | undefined, about: Partial<WebhookRow> = {}): Promise<void> {
  const notice = new AdminNotice({
    clock,
    logger: { ...silentLogger, error: (message, fields) => logged.push({ message, fields }) },
    fetch: async (to, { body, signal }) => {
      posts.push({ url: to, body: JSON.parse(String(body)) });
      if (status === "unreachable") throw new Error("ECONNREFUSED");
      if (status === "silent") await new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
      return new Response("ok", { status: Number(status) });
    },
    url,
  });
  notice.webhookFailed({ ...webhook, ...about }, delivery);
  await settle();
}

describe("a webhook that has failed", () => {
  test("is an error in the log, without its address", async () => {
    await tell(undefined);
    expect(logged).toEqual([
      {
        message: "webhook failed",
        fields: {
          webhook_id: "w1",
          delivery_id: "d1",
          event_id: "7-abc",
          attempts: 5,
          last_status: 503,
          "error.code": "http_error",
        },
      },
    ]);
    expect(posts).toEqual([]);
  });

  test("is posted in a form that Slack and ntfy show, without secrets", async () => {
    await tell("https://chat.example/hooks/1");
    const [post] = posts;
    expect(post?.body).toMatchObject({ title: "Webhook failed: ci.example", webhook_id: "w1", failed_event_id: "7-abc" });
    expect(post?.body.message).toContain(
      "JobCompleted (7-abc) was not taken in 5 attempts; the last one ended with HTTP status 503",
    );
    expect(post?.body.text).toBe(`${post?.body.title}\n${post?.body.message}`);
    expect(JSON.stringify(post)).not.toContain("token");
    expect(post?.body).not.toHaveProperty("topic");
  });

  test("is called by its description, and posted to a topic of ntfy", async () => {
    await tell("https://ntfy.example/?topic=ops", { description: "the CI" });
    expect(posts[0]?.body).toMatchObject({ title: "Webhook failed: the CI", topic: "ops" });
  });

  test.each([500, "unreachable", "silent"] as const)("is posted three times when the first is answered %p", async (answer) => {
    status = answer;
    await tell("https://chat.example/");
    for (const ms of [10_000, 2000, 10_000, 30_000, 10_000, 600_000]) await clock.advance(ms);
    expect(posts.length).toBe(3);
    expect(logged.map(({ message }) => message)).toEqual(["webhook failed", "the administrator could not be notified"]);
  });
});
