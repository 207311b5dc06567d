import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Delivery, Webhook } from "../../../src/webhooks/contract.ts";
import { answering } from "../../support/engines.ts";
import { eventually } from "../../support/eventually.ts";
import { type Agent, type McpWorld, openMcp, revisions } from "../../support/mcp.ts";
import { user } from "../../support/notes.ts";

interface Deliveries {
  deliveries: Delivery[];
  next_cursor: string | null;
}

let world: McpWorld;
let agent: Agent;
let status: number;

describe.each(revisions)("an agent that speaks %s", (revision) => {
  beforeEach(async () => {
    status = 410;
    world = openMcp({ send: (...sent) => answering(status)(...sent) });
    world.webhooks.start();
    agent = await world.connect(revision);
  });

  afterEach(async () => {
    await agent.close();
    await world.close();
  });

  test("sees which webhooks work, and nothing that is secret", async () => {
    const { id } = await world.webhooks.create({
      url: "https://hooks.example/a?token=s3cret",
      events: ["Thing*"],
      headers: { "x-key": "s3cret" },
      description: "build",
    });
    await world.publisher.publish({ event: "ThingHappened", data: {} }, user);
    await eventually(() => world.webhooks.get(id).status === "disabled");
    const { webhooks } = await agent.call<{ webhooks: Webhook[] }>("list_webhooks");
    expect(webhooks).toMatchObject([
      { id, url: "https://hooks.example/a?…", events: ["Thing*"], status: "disabled", reason: "gone" },
    ]);
    expect(JSON.stringify(webhooks)).not.toContain("s3cret");
  });

  test("sees what became of deliveries, and has one sent again", async () => {
    status = 204;
    const { id: webhook_id } = await world.webhooks.create({ url: "https://hooks.example/", events: ["*"] });
    const event_id = await world.publisher.publish({ event: "ThingHappened", data: {} }, user);
    const list = () => agent.call<Deliveries>("list_deliveries", { webhook_id, status: "delivered" });
    await eventually(async () => (await list()).deliveries.length === 1);
    const [delivery] = (await list()).deliveries;
    expect(delivery).toMatchObject({ webhook_id, event_id, event: "ThingHappened", attempts: 1, last_status: 204 });
    await agent.call("retry_delivery", { webhook_id, delivery_id: delivery?.id });
    await eventually(async () => (await list()).deliveries[0]?.attempts === 2);
  });

  test("is told what there is not", async () => {
    expect(await agent.failure("list_deliveries", { webhook_id: "nope" })).toBe(
      'not_found: There is no webhook with the id "nope".',
    );
    expect(await agent.failure("retry_delivery", { webhook_id: "nope", delivery_id: "x" })).toStartWith("not_found: ");
    expect(await agent.failure("list_deliveries")).toStartWith("invalid: webhook_id is missing");
    expect(await agent.failure("list_deliveries", { webhook_id: "x", status: "lost" })).toStartWith(
      "invalid: status must be one of",
    );
  });
});
