import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { migrate } from "../../src/db/migrate.ts";

const tables = (db: Database) => db.query("SELECT name, sql FROM sqlite_master ORDER BY name").all();

test("every migration runs once: a second start changes nothing", () => {
  const db = new Database(":memory:");
  migrate(db);
  const first = tables(db);
  const applied = db.query("SELECT * FROM __drizzle_migrations").all();
  migrate(db);
  expect(tables(db)).toEqual(first);
  expect(db.query("SELECT * FROM __drizzle_migrations").all()).toEqual(applied);
});

test("the log's bookkeeping is there from the start, in one row that stays alone", () => {
  const db = new Database(":memory:");
  migrate(db);
  expect(db.query("SELECT * FROM log_state").all()).toEqual([{ id: 1, pruned_seq: 0, open_boot: null }]);
  expect(() => db.run("INSERT INTO log_state (id) VALUES (2)")).toThrow("log_state_single");
});

test("a database of a newer build is refused before anything is changed", () => {
  const db = new Database(":memory:");
  migrate(db);
  db.run("UPDATE __drizzle_migrations SET created_at = created_at + 9000000000000");
  const before = tables(db);
  expect(() => migrate(db)).toThrow("newer matric");
  expect(tables(db)).toEqual(before);
});
