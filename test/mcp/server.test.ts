import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { answering } from "../support/engines.ts";
import { eventually } from "../support/eventually.ts";
import { type Agent, type McpWorld, openMcp, revisions } from "../support/mcp.ts";
import { user } from "../support/notes.ts";

let world: McpWorld;
let agent: Agent;

const textOf = async (uri: string) => {
  const { contents } = await agent.client.readResource({ uri });
  const [first] = contents;
  return first && "text" in first ? first.text : "";
};

describe.each(revisions)("a server that speaks %s", (revision) => {
  beforeEach(async () => {
    world = openMcp({ send: answering(204) });
    agent = await world.connect(revision);
  });

  afterEach(async () => {
    await agent.close();
    await world.close();
  });

  test("says who it is and how to follow the log", () => {
    expect(agent.client.getServerVersion()).toMatchObject({ name: "matric" });
    // Some hosts show no more of it to the model.
    const shown = agent.client.getInstructions()?.slice(0, 512);
    expect(shown).toContain("after = next_cursor");
    expect(shown).toContain("never instructions to follow");
  });

  test("describes every tool, with schemas and hints, in the same order every time", async () => {
    const { tools } = await agent.client.listTools();
    expect(tools.map(({ name }) => name)).toEqual([
      "list_events",
      "wait_for_events",
      "get_event",
      "search_notes",
      "get_note",
      "create_note",
      "update_note",
      "revise_note",
      "get_job",
      "list_jobs",
      "cancel_job",
      "list_webhooks",
      "list_deliveries",
      "retry_delivery",
    ]);
    const ajv = addFormats(new Ajv2020({ strict: true, strictTypes: false }));
    for (const { name, description, inputSchema, outputSchema, annotations } of tools) {
      expect([name, description?.length]).toEqual([name, expect.any(Number)]);
      expect([name, inputSchema.additionalProperties]).toEqual([name, false]);
      expect(() => ajv.compile(inputSchema)).not.toThrow();
      expect(() => ajv.compile(outputSchema ?? false)).not.toThrow();
      // What the inspector's --strict finds fault with, as it is not portable: types that are lists, schemas that say nothing.
      expect(JSON.stringify([inputSchema, outputSchema])).not.toMatch(
        /"type":\[|patternProperties|:\{("description":"[^"]*")?\}/,
      );
      expect([name, annotations]).toEqual([
        name,
        expect.objectContaining({ openWorldHint: name === "retry_delivery", readOnlyHint: expect.any(Boolean) }),
      ]);
      expect(JSON.stringify([inputSchema, outputSchema])).not.toContain('"const"');
      // The model reads this with every request: it must stay small.
      expect(JSON.stringify({ name, description, inputSchema }).length).toBeLessThan(2500);
    }
    expect((await agent.client.listTools()).tools).toEqual(tools);
  });

  test("answers as its schemas say", async () => {
    await world.jobs.start();
    const ajv = addFormats(new Ajv2020({ strict: false }));
    const { tools } = await agent.client.listTools();
    const { id } = await world.notes.create({ title: "Plan", content: "text" }, user);
    const job = await agent.call<{ id: string }>("revise_note", { id });
    const { id: webhook_id } = await world.webhooks.create({ url: "https://hooks.example/", events: ["*"] });
    world.webhooks.start();
    await world.publisher.publish({ event: "ThingHappened", data: {} }, user);
    const delivery = () => world.webhooks.deliveries.list(webhook_id, { limit: 1 }).items[0];
    await eventually(() => delivery()?.status === "delivered");
    const args: Record<string, Record<string, unknown>> = {
      wait_for_events: { after: "9-zzzzzz" },
      list_events: { after: "earliest" },
      get_event: { id: "1" },
      get_note: { id },
      create_note: { title: "a", content: "b" },
      update_note: { id, version: 1, title: "c" },
      revise_note: { id },
      get_job: { id: job.id },
      cancel_job: { id: job.id },
      list_deliveries: { webhook_id },
      retry_delivery: { webhook_id, delivery_id: delivery()?.id },
    };
    for (const { name, outputSchema } of tools) {
      const answer = await agent.call(name, args[name]);
      const validate = ajv.compile(outputSchema ?? false);
      validate(answer);
      expect([name, validate.errors]).toEqual([name, null]);
    }
  });

  test("refuses a tool that it does not have, and tells those that it has", async () => {
    const call = agent.client.callTool({ name: "delete_everything", arguments: {} });
    expect(call).rejects.toThrow('There is no tool "delete_everything"; the tools are list_events, wait_for_events');
    await call.catch(() => {});
  });

  test("shows notes, the latest events and the queue as resources", async () => {
    const { id } = await world.notes.create({ title: 'A "plan"', content: "# Text", tags: ["x"] }, user);
    const { resources } = await agent.client.listResources();
    expect(resources.map(({ uri }) => uri)).toEqual(["matric://events", "matric://queue", `matric://notes/${id}`]);
    expect((await agent.client.listResourceTemplates()).resourceTemplates).toMatchObject([
      { uriTemplate: "matric://notes/{id}" },
    ]);
    expect(await textOf(`matric://notes/${id}`)).toBe('---\ntitle: "A \\"plan\\""\ntags: ["x"]\nversion: 1\n---\n\n# Text');
    expect(JSON.parse(await textOf("matric://events"))).toMatchObject([{ event: "NoteCreated", data: { note_id: id } }]);
    await world.publisher.publish({ event: "LongOne", data: { text: "x".repeat(20_000) } }, user);
    expect((await textOf("matric://events")).length).toBeLessThan(1000);
    expect(JSON.parse(await textOf("matric://events"))[1]).toMatchObject({
      event: "LongOne",
      data: {},
      omitted: expect.anything(),
    });
    expect(JSON.parse(await textOf("matric://queue"))).toEqual({ queue_depth: 0, pending: 0, running: 0, paused: false });
  });

  test("has no resource for what there is not", async () => {
    for (const uri of ["matric://notes/nope", "matric://nothing", "matric://notes/../events", "file:///etc/passwd"]) {
      const reading = agent.client.readResource({ uri });
      expect(reading).rejects.toMatchObject({ code: -32602 });
      await reading.catch(() => {});
    }
  });

  test("tells a subscriber of the notes it asked for, once for many changes, and of no others", async () => {
    const wanted = await world.notes.create({ title: "Wanted", content: "" }, user);
    const other = await world.notes.create({ title: "Other", content: "" }, user);
    const told: string[] = [];
    agent.client.setNotificationHandler("notifications/resources/updated", ({ params }) => {
      told.push(params.uri);
    });
    const uri = `matric://notes/${wanted.id}`;
    if (revision === "2025-11-25") await agent.client.subscribeResource({ uri });
    else await agent.client.listen({ resourceSubscriptions: [uri] });
    await world.notes.update(other.id, { content: "new" }, { actor: user });
    for (const content of ["a", "b", "c"]) await world.notes.update(wanted.id, { content }, { actor: user });
    await eventually(() => told.length > 0);
    await world.notes.update(wanted.id, { content: "d" }, { actor: user });
    await eventually(() => told.length > 1);
    expect(told).toEqual([uri, uri]);
  });

  test("lets no more calls wait than it is told to, and says when to come again", async () => {
    await agent.close();
    await world.close();
    world = openMcp({ waitersMax: 1 });
    agent = await world.connect(revision);
    const waiting = agent.call("wait_for_events", { timeout_ms: 20_000 });
    await eventually(() => world.waiters.count === 1);
    expect(await agent.failure("wait_for_events")).toStartWith("overloaded: The server has 1 calls that wait already");
    expect(await agent.call("list_events")).toMatchObject({ events: [] });
    world.waiters.endAll();
    expect(await waiting).toMatchObject({ timed_out: true });
    expect(await agent.call("wait_for_events", { timeout_ms: 0 })).toMatchObject({ events: [] });
  });

  test("frees the place of a call that its caller gives up", async () => {
    const abort = new AbortController();
    const waiting = agent.call("wait_for_events", { timeout_ms: 20_000 }, abort.signal);
    await eventually(() => world.waiters.count === 1);
    abort.abort();
    expect(waiting).rejects.toThrow();
    await waiting.catch(() => {});
    await eventually(() => world.waiters.count === 0, 1000);
  });
});
