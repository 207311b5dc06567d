import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Type } from "@sinclair/typebox";
import { Problem } from "../../src/http/problem.ts";
import { Note } from "../../src/notes/contract.ts";
import { CreatedWebhook } from "../../src/webhooks/contract.ts";
import { startApp, type TestApp } from "../support/start-app.ts";

const Page = Type.Object(
  { items: Type.Array(Type.Unknown()), next_cursor: Type.Union([Type.String(), Type.Null()]) },
  { additionalProperties: false },
);

let app: TestApp;
const paths: Record<string, string> = { notes: "/notes", jobs: "/jobs", webhooks: "/webhooks", tokens: "/tokens" };

beforeAll(async () => {
  app = await startApp();
  const note = await app.call(Note, "POST", "/notes", { body: { title: "Listed", content: "" } });
  paths.revisions = `/notes/${note.body.id}/revisions`;
  const webhook = await app.call(CreatedWebhook, "POST", "/webhooks", {
    body: { url: "https://hooks.example/", events: ["QueuePaused"] },
  });
  paths.deliveries = `/webhooks/${webhook.body.id}/deliveries`;
});

afterAll(() => app.stop());

describe.each(["notes", "revisions", "jobs", "webhooks", "deliveries", "tokens"])("the list of %s", (name) => {
  test.each(["", "?limit=1", "?limit=500", "?limit=&cursor="])("is answered in pages: %s", async (query) => {
    expect((await app.call(Page, "GET", paths[name] + query)).status).toBe(200);
  });

  test.each([
    ["limit", "0"],
    ["limit", "501"],
    ["limit", "-1"],
    ["limit", "1.5"],
    ["limit", "many"],
    ["cursor", "x"],
    ["cursor", "bm90ZSAx"],
    ["page", "2"],
  ])("names the parameter that is wrong: %s=%s", async (field, value) => {
    const answer = await app.call(Problem, "GET", `${paths[name]}?${field}=${value}`);
    expect(answer).toMatchObject({ status: 422, body: { code: "invalid", field } });
  });
});
