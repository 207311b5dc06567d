import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Db, openDb } from "../../src/db/open.ts";
import { MatricError } from "../../src/errors.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "matric-test-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** The error with which the directory is refused. */
function refusal(dataDir = folder): MatricError {
  try {
    openDb(dataDir, "normal").close();
  } catch (error) {
    if (error instanceof MatricError) return error;
    throw error;
  }
  throw new Error("it was opened");
}

function closing(db: Db, use: (db: Db) => void): void {
  try {
    use(db);
  } finally {
    db.close();
  }
}

const oneRow = "INSERT INTO epochs (epoch, start_seq, started_at) VALUES ('a', 0, 0)";

const file = (name: string) => join(folder, name);

describe("a data directory", () => {
  test("is made with its parents, for this user alone", () => {
    const deep = file("a/b");
    openDb(deep, "full").close();
    expect(statSync(deep).mode & 0o777).toBe(0o700);
    expect(existsSync(join(deep, "matric.db"))).toBe(true);
  });

  test("keeps what was written", () => {
    closing(openDb(folder, "full"), ({ sqlite }) => sqlite.run(oneRow));
    closing(openDb(folder, "full"), ({ sqlite }) =>
      expect(sqlite.query("SELECT epoch FROM epochs").all()).toEqual([{ epoch: "a" }]),
    );
  });

  test("belongs to one server at a time, until it closes", () => {
    const db = openDb(folder, "normal");
    const error = refusal();
    expect(error.code).toBe("already_running");
    expect(error.message).toContain(folder);
    expect(error.message).toContain("--data-dir");
    db.close();
    openDb(folder, "normal").close();
  });

  test("that was refused is not harmed: the first server writes on", () => {
    closing(openDb(folder, "normal"), ({ sqlite }) => {
      refusal();
      sqlite.run(oneRow);
      expect(refusal().code).toBe("already_running");
    });
  });

  test("that is a file is refused", () => {
    writeFileSync(file("taken"), "");
    expect(refusal(file("taken"))).toMatchObject({
      code: "invalid",
      message: expect.stringContaining(file("taken")),
    });
    expect(refusal(file("taken/below")).code).toBe("invalid");
  });
});

describe("a database file", () => {
  test.each([
    [
      "text",
      "these are not the bytes of a database, but a good deal of them, so that there can be no doubt about it. ".repeat(20),
    ],
    ["a header and then nothing that fits", `SQLite format 3\0${"x".repeat(4096)}`],
  ])("that holds %s is refused in words, and left as it is", (_what, content) => {
    writeFileSync(file("matric.db"), content);
    expect(refusal()).toMatchObject({
      code: "storage_unavailable",
      message: expect.stringContaining("damaged or not a matric database"),
    });
    expect(readFileSync(file("matric.db"), "utf8")).toBe(content);
    // The lock was let go of: putting a good file there helps without more ado.
    rmSync(file("matric.db"));
    openDb(folder, "normal").close();
  });

  test("is empty at first, and that is fine", () => {
    writeFileSync(file("matric.db"), "");
    openDb(folder, "normal").close();
  });

  test("that a newer matric made is refused and left as it is", () => {
    closing(openDb(folder, "normal"), ({ sqlite }) =>
      sqlite.run("INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('future', 9999999999999)"),
    );
    expect(refusal()).toMatchObject({ code: "storage_unavailable", message: expect.stringContaining("newer matric") });
  });

  test("can be read by other programs meanwhile", () => {
    closing(openDb(folder, "normal"), () => {
      const reader = new Database(file("matric.db"), { readonly: true });
      expect(reader.query("SELECT count(*) AS n FROM events").get()).toEqual({ n: 0 });
      reader.close();
    });
  });

  test("does not keep the server waiting long when another program writes to it", () => {
    closing(openDb(folder, "normal"), ({ sqlite }) => {
      const other = new Database(file("matric.db"));
      other.run("BEGIN IMMEDIATE");
      const started = performance.now();
      expect(() => sqlite.run("BEGIN IMMEDIATE")).toThrow("database is locked");
      // The event loop stands still for as long.
      expect(performance.now() - started).toBeLessThan(1000);
      other.close();
    });
  });

  test("tells with which durability it was opened", () => {
    closing(openDb(folder, "full"), ({ diskSync }) => expect(diskSync?.now()).toBeUndefined());
    closing(openDb(folder, "normal"), ({ diskSync }) => expect(diskSync).toBeUndefined());
  });

  test("is synced in another thread", async () => {
    const db = openDb(folder, "full");
    db.sqlite.run(oneRow);
    const error = await new Promise<Error | null>((resolve) => db.diskSync?.start(resolve));
    expect(error).toBeNull();
    db.close();
  });
});
