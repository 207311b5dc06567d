import { afterEach, beforeEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { Tokens } from "../../src/auth/tokens.ts";
import { silentLogger } from "../../src/logger.ts";
import { settle } from "../support/manual-clock.ts";
import { openStorage, type Storage } from "../support/storage.ts";

let storage: Storage;
let tokens: Tokens;
const open = () => new Tokens({ ...storage, logger: silentLogger, max: 3 });

beforeEach(() => {
  storage = openStorage();
  tokens = open();
});
afterEach(() => storage.close());

const rows = () => storage.db.sqlite.query<{ hash: string; last_used_at: number | null }, []>("SELECT * FROM tokens").all();

test("a token is 256 random bits behind a prefix, and only a keyed hash of it is kept", async () => {
  const { token } = await tokens.create({ name: "a", scopes: ["admin"] });
  expect(Buffer.from(token.slice(4), "base64url").byteLength).toBe(32);
  const [row] = rows();
  expect(row?.hash).not.toBe(createHash("sha256").update(token).digest("base64url"));
  expect(Buffer.from(row?.hash ?? "", "base64url").byteLength).toBe(32);
  expect(tokens.verify(token).scopes.has("webhooks:write")).toBe(true);
  expect(open().verify(token).scopes.has("webhooks:write")).toBe(true);
});

test("when it was last used is written once a minute at most", async () => {
  const { token } = await tokens.create({ name: "a", scopes: ["notes:read"] });
  const used = async () => {
    tokens.verify(token);
    await settle();
    return rows()[0]?.last_used_at;
  };
  const first = await used();
  expect(first).toBe(storage.clock.now());
  await storage.clock.advance(59_000);
  expect(await used()).toBe(first);
  await storage.clock.advance(1000);
  expect(await used()).toBe(storage.clock.now());
});

test("it ends at its time, or when it is revoked, and tells which", async () => {
  const soon = await tokens.create({
    name: "a",
    scopes: ["notes:read"],
    expires_at: new Date(storage.clock.now() + 1000).toISOString(),
  });
  const other = await tokens.create({ name: "b", scopes: ["notes:read"] });
  const heard: string[] = [];
  tokens.onRevoked((id) => heard.push(id));
  await storage.clock.advance(1000);
  expect(() => tokens.verify(soon.token)).toThrow("has expired");
  await tokens.revoke(other.id);
  await tokens.revoke(other.id);
  expect(() => tokens.verify(other.token)).toThrow("was revoked");
  expect(() => tokens.verify("mtr_nobody")).toThrow("not known");
  expect(heard).toEqual([other.id]);
  expect(
    open()
      .list({ limit: 9 })
      .items.map(({ status }) => status),
  ).toEqual(["expired", "revoked"]);
  await expect(tokens.revoke("nobody")).rejects.toMatchObject({ code: "not_found" });
});

test("what ended is forgotten when there is too much of it, the oldest first", async () => {
  for (let count = 0; count < 1003; count++)
    await tokens.revoke((await tokens.create({ name: `${count}`, scopes: ["admin"] })).id);
  const { name } = await tokens.create({ name: "last", scopes: ["admin"] });
  const { items } = tokens.list({ limit: 2000 });
  expect([items.length, items[0]?.name, items.at(-1)?.name]).toEqual([1001, "3", name]);
  expect(rows()).toHaveLength(1001);
  expect(tokens.isEmpty()).toBe(false);
});
