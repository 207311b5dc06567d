import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Scope } from "../../src/auth/contract.ts";
import { Note } from "../../src/notes/contract.ts";
import { CreatedWebhook, Delivery, DeliveryDetail, DeliveryPage, Webhook } from "../../src/webhooks/contract.ts";
import { type AuthApp, bearer, startAuthApp } from "../support/auth.ts";
import { eventually } from "../support/eventually.ts";
import { Receiver } from "../support/receiver.ts";

let server: AuthApp;
let receiver: Receiver;

beforeAll(async () => {
  receiver = new Receiver();
  server = await startAuthApp({ webhookAllow: ["127.0.0.0/8"] });
});
afterAll(async () => {
  await server.app.stop();
  await receiver.stop();
});

async function register(scopes: Scope[], path: string, events = ["*"]) {
  const owner = await server.make(["webhooks:write", ...scopes]);
  const body = { url: `${receiver.url}${path}`, events };
  const { body: webhook } = await server.app.call(CreatedWebhook, "POST", "/webhooks", { body, headers: bearer(owner.token) });
  return { owner, webhook };
}

/** A note, and then an event that everybody may read: what came of the note has come before it. */
async function happen(): Promise<void> {
  const headers = bearer(server.admin);
  await server.app.call(Note, "POST", "/notes", { body: { title: "Sea", content: "deep" }, headers });
  const body = JSON.stringify({ event: "ThingDone", data: {} });
  await server.app.fetch("/api/v1/events", { method: "POST", headers: { "content-type": "application/json", ...headers }, body });
}

const sentTo = (path: string) =>
  receiver.requests.filter((one) => one.path === path).map(({ headers }) => headers["x-matric-event"]);

async function until(path: string, event: string): Promise<void> {
  for (let count = 1; !sentTo(path).includes(event); count = receiver.requests.length + 1) await receiver.received(count);
}

describe("a webhook has the rights of the token that made it", () => {
  test("and is sent nothing that it may not read", async () => {
    await register(["events:read"], "/custom");
    await register(["events:read", "notes:read"], "/notes");
    await register(["events:read"], "/asked", ["Note*", "ThingDone"]);
    await happen();
    await Promise.all(["/custom", "/notes", "/asked"].map((path) => until(path, "ThingDone")));
    await until("/notes", "NoteCreated");
    expect([sentTo("/custom"), sentTo("/asked")]).toEqual([["ThingDone"], ["ThingDone"]]);
    expect(sentTo("/notes").sort()).toEqual(["NoteCreated", "ThingDone"]);
  });

  test("whoever turns it to a place of its own gets there what it may read itself, and no more", async () => {
    const { webhook } = await register(["notes:read", "events:read"], "/before");
    const thief = await server.make(["webhooks:write", "events:read"]);
    const body = { url: `${receiver.url}/thief` };
    await server.app.call(Webhook, "PATCH", `/webhooks/${webhook.id}`, { body, headers: bearer(thief.token) });
    await happen();
    await until("/thief", "ThingDone");
    expect(sentTo("/thief")).not.toContain("NoteCreated");
  });

  test("nor what was waiting for its maker, be it retried by itself or by hand", async () => {
    const { webhook } = await register(["notes:read", "events:read"], "/busy");
    const path = `/webhooks/${webhook.id}`;
    const headers = bearer(server.admin);
    receiver.answer = ({ path }) => new Response(null, { status: path === "/busy" ? 503 : 200 });
    await happen();
    await until("/busy", "NoteCreated");
    const thief = await server.make(["webhooks:write", "events:read"]);
    await server.app.call(Webhook, "PATCH", path, { body: { url: `${receiver.url}/robbed` }, headers: bearer(thief.token) });
    await until("/robbed", "ThingDone");
    const { items } = (await server.app.call(DeliveryPage, "GET", `${path}/deliveries`, { headers })).body;
    const note = items.find(({ event }) => event === "NoteCreated");
    await server.app.call(Delivery, "POST", `${path}/deliveries/${note?.id}/retry`, { headers: bearer(thief.token) });
    await eventually(async () => {
      const { body } = await server.app.call(DeliveryDetail, "GET", `${path}/deliveries/${note?.id}`, { headers });
      return body.status === "exhausted" && body.last_error_code === "not_allowed";
    });
    expect(sentTo("/robbed")).not.toContain("NoteCreated");
  });

  test("and ends with it", async () => {
    const { owner, webhook } = await register(["notes:read", "events:read"], "/revoked");
    await server.revoke(owner.id);
    const { body } = await server.app.call(Webhook, "GET", `/webhooks/${webhook.id}`, { headers: bearer(server.admin) });
    expect(body).toMatchObject({ status: "disabled", reason: "revoked" });
    await happen();
    await until("/custom", "ThingDone");
    expect(sentTo("/revoked")).toEqual([]);
  });

  test("what others publish comes to a webhook whose maker may read events, and to no other", async () => {
    await register(["notes:read"], "/no-events");
    await register(["notes:read", "events:read"], "/events");
    await happen();
    await Promise.all([until("/events", "ThingDone"), until("/no-events", "NoteCreated")]);
    await happen();
    await until("/no-events", "NoteCreated");
    expect(sentTo("/no-events")).not.toContain("ThingDone");
  });

  test.each(["active", "disabled"])(
    "whoever enables one that ended with its token (%s then) gives it its own rights",
    async (status) => {
      const path = `/heir-of-${status}`;
      const { owner, webhook } = await register(["notes:read", "events:read"], path);
      const heir = await server.make(["webhooks:write", "events:read"]);
      const post = (what: string, token: string) =>
        server.app.call(Webhook, "POST", `/webhooks/${webhook.id}/${what}`, { headers: bearer(token) });
      if (status === "disabled") await post("disable", owner.token);
      await server.revoke(owner.id);
      await happen();
      expect((await post("enable", heir.token)).body).toMatchObject({ status: "active" });
      await until(path, "ThingDone");
      expect(sentTo(path)).toEqual(["ThingDone"]);
      await server.revoke(heir.id);
      const { body } = await server.app.call(Webhook, "GET", `/webhooks/${webhook.id}`, { headers: bearer(server.admin) });
      expect(body).toMatchObject({ status: "disabled", reason: "revoked" });
    },
  );
});
