import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { MatricError } from "../../src/errors.ts";
import type { Actor } from "../../src/events/catalog.ts";
import { builtInNames } from "../../src/events/names.ts";
import { Publisher } from "../../src/events/publish.ts";
import { openStorage, type Storage } from "../support/storage.ts";

const user: Actor = { kind: "user", id: null };

let storage: Storage;
let publisher: Publisher;

beforeEach(() => {
  storage = openStorage();
  publisher = new Publisher(storage.log, storage.writer);
});

afterEach(() => storage.close());

async function refusal(input: unknown): Promise<MatricError> {
  try {
    await (Array.isArray(input) ? publisher.publishAll(input, user) : publisher.publish(input, user));
  } catch (error) {
    if (error instanceof MatricError) return error;
    throw error;
  }
  throw new Error(`${JSON.stringify(input).slice(0, 100)} was taken`);
}

const thing = { event: "ThingHappened", data: { n: 1 } };

describe("a custom event", () => {
  test("gets an id, and is in the log as it was sent", async () => {
    const id = await publisher.publish({ ...thing, subject: "deploy:7" }, { kind: "agent", id: "t1" });
    expect(id).toBe(`1-${storage.log.epoch}`);
    expect(storage.takeEvents()).toEqual([
      {
        id,
        event: "ThingHappened",
        time: "2026-02-05T10:30:00.000Z",
        subject: "deploy:7",
        actor: { kind: "agent", id: "t1" },
        data: { n: 1 },
      },
    ]);
  });

  test("may bear any JSON object", async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue()), async (data) => {
        await publisher.publish({ event: "ThingHappened", data }, user);
        expect(JSON.stringify(storage.takeEvents()[0]?.data)).toBe(JSON.stringify(data));
      }),
      { numRuns: 100 },
    );
  });

  test("may bear names that mean something to JavaScript", async () => {
    await publisher.publish(
      { event: "ThingHappened", data: JSON.parse('{"__proto__":{"a":1},"constructor":2,"toJSON":3,"length":4}') },
      user,
    );
    expect(storage.log.get(1)?.text).toContain('"data":{"__proto__":{"a":1},"constructor":2,"toJSON":3,"length":4}');
  });

  test("of an array: all of them, in order, or none", async () => {
    const ids = await publisher.publishAll([thing, { ...thing, data: { n: 2 } }, thing], user);
    expect(ids).toEqual([1, 2, 3].map((seq) => `${seq}-${storage.log.epoch}`));
    const error = await refusal([thing, { ...thing, event: "bad" }]);
    expect(error.details.field).toBe("1.event");
    expect(storage.log.head()).toBe(3);
  });
});

describe("what several publish at the same time", () => {
  const things = (n: number) => ({ ...thing, data: { n } });
  const stored = (id: string) => JSON.parse(storage.log.get(Number.parseInt(id, 10))?.text ?? "null").data.n;

  test("each of them gets the ids of its own events", async () => {
    const [one, some, other] = await Promise.all([
      publisher.publish(things(1), user),
      publisher.publishAll([things(2), things(3)], user),
      publisher.publish(things(4), user),
    ]);
    expect([one, ...some, other].map(stored)).toEqual([1, 2, 3, 4]);
  });

  test("each event keeps its own name, subject and actor", async () => {
    const other: Actor = { kind: "user", id: "t1" };
    await Promise.all([
      publisher.publish(thing, user),
      publisher.publish(thing, other),
      publisher.publish({ ...thing, subject: 'say "hi"' }, other),
      publisher.publish({ ...thing, event: "OtherHappened", subject: 'say "hi"' }, other),
      publisher.publish(thing, user),
    ]);
    expect(storage.takeEvents().map(({ event, subject, actor }) => ({ event, subject, actor }))).toEqual([
      { event: "ThingHappened", subject: null, actor: user },
      { event: "ThingHappened", subject: null, actor: other },
      { event: "ThingHappened", subject: 'say "hi"', actor: other },
      { event: "OtherHappened", subject: 'say "hi"', actor: other },
      { event: "ThingHappened", subject: null, actor: user },
    ]);
  });

  test("what is wrong with one harms no other", async () => {
    const before = publisher.publish(things(1), user);
    const wrong = refusal({ ...thing, data: 7 });
    const after = publisher.publish(things(2), user);
    expect((await wrong).code).toBe("invalid");
    expect([await before, await after].map(stored)).toEqual([1, 2]);
  });

  test("all are told when the disk refuses, and the next one is taken when it does no more", async () => {
    storage.db.sqlite.run("PRAGMA query_only = ON");
    const results = await Promise.allSettled([1, 2].map((n) => publisher.publish(things(n), user)));
    expect(results.map((result) => result.status === "rejected" && result.reason.code)).toEqual([
      "storage_unavailable",
      "storage_unavailable",
    ]);
    storage.db.sqlite.run("PRAGMA query_only = OFF");
    expect(stored(await publisher.publish(things(3), user))).toBe(3);
    expect(storage.takeEvents()).toHaveLength(1);
  });
});

describe("what is refused names the field", () => {
  test.each([
    [{ ...thing, event: "thing" }, "event"],
    [{ ...thing, event: "Thing\nHappened" }, "event"],
    [{ ...thing, event: "ThingHappened\0" }, "event"],
    [{ ...thing, event: "ThingHappened\n" }, "event"],
    [{ ...thing, event: "" }, "event"],
    [{ ...thing, event: 7 }, "event"],
    [{ ...thing, event: "A".repeat(65) }, "event"],
    [{ data: {} }, "event"],
    [{ event: "ThingHappened" }, "data"],
    [{ ...thing, data: null }, "data"],
    [{ ...thing, data: [] }, "data"],
    [{ ...thing, data: "text" }, "data"],
    [{ ...thing, subject: "" }, "subject"],
    [{ ...thing, subject: "x".repeat(201) }, "subject"],
    [{ ...thing, subject: "a\nb" }, "subject"],
    [{ ...thing, subject: "a\u0085b" }, "subject"],
    [{ ...thing, subject: null }, "subject"],
    [{ ...thing, id: "1-abc" }, "id"],
    [{ ...thing, time: "2026-02-05T10:30:00.000Z" }, "time"],
    [null, ""],
    ["ThingHappened", ""],
    [7, ""],
    [[], ""],
    [Array.from({ length: 1001 }, () => thing), ""],
    [[thing, null], "1"],
    [[thing, { ...thing, data: 7 }], "1.data"],
  ])("%j", async (input, field) => {
    const error = await refusal(input);
    expect(error.code).toBe("invalid");
    expect(error.details.field ?? "").toBe(field);
    expect(error.message).toEndWith(".");
    expect(storage.log.head()).toBe(0);
  });

  test("every built-in name, and every name within two letters of one", async () => {
    for (const name of builtInNames) {
      for (const event of [
        name,
        `${name}d`,
        name.slice(0, -1),
        name.slice(1).replace(/^./, (c) => c.toUpperCase()),
        name.replace(/e/g, "a").slice(0, 64),
      ]) {
        if (event.length < name.length - 2 || [...event].filter((letter, index) => letter !== name[index]).length > 2) continue;
        expect((await refusal({ event, data: {} })).message).toContain(name.slice(0, 3));
      }
    }
  });

  test("data that is too large, told in bytes", async () => {
    const data = { text: "é".repeat(32 * 1024) };
    expect(await refusal({ ...thing, data })).toMatchObject({
      code: "too_large",
      details: { field: "data" },
      message: "data must have at most 65536 bytes, not 65547.",
    });
    await publisher.publish({ ...thing, data: { text: "x".repeat(64 * 1024 - 11) } }, user);
  });
});
