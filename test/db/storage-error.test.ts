import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { isStorageFailure, storageError } from "../../src/db/storage-error.ts";

function errorOf(sql: string): unknown {
  const db = new Database(":memory:");
  try {
    db.run("CREATE TABLE one (n INTEGER UNIQUE)");
    db.run("INSERT INTO one VALUES (1)");
    db.run(sql);
  } catch (error) {
    return error;
  } finally {
    db.close();
  }
  throw new Error("it was done");
}

describe("an error of the storage", () => {
  test.each([
    ["ENOSPC", "storage_full", "the disk is full"],
    ["EDQUOT", "storage_full", "the disk is full"],
    ["EIO", "storage_unavailable", "input/output error"],
    ["EACCES", "storage_unavailable", "read-only for this user"],
    ["EROFS", "storage_unavailable", "read-only for this user"],
    ["EWEIRD", "storage_unavailable", "it failed with EWEIRD"],
  ])("%s of the system is %s in our words", (code, ours, words) => {
    const cause = Object.assign(new Error(code), { code });
    const error = storageError(cause, "The change could not be stored");
    expect(error).toMatchObject({ code: ours, cause, busy: false });
    expect(error.message).toStartWith("The change could not be stored: ");
    expect(error.message).toContain(words);
  });

  test("is found inside what drizzle makes of it", () => {
    const wrapped = new Error("Failed to run the query", {
      cause: Object.assign(new Error("database or disk is full"), { code: "SQLITE_FULL" }),
    });
    expect(storageError(wrapped, "x").code).toBe("storage_full");
    expect(isStorageFailure(wrapped)).toBe(true);
  });

  test("of no known kind says so, and nothing of its insides", () => {
    expect(storageError(new Error("secret"), "It failed").message).toBe("It failed: it failed unexpectedly.");
    expect(storageError("text", "It failed").message).toBe("It failed: it failed unexpectedly.");
  });

  test("a database that is too large for its file is a full disk", () => {
    const db = new Database(":memory:");
    db.run("PRAGMA max_page_count = 3");
    db.run("CREATE TABLE texts (body TEXT)");
    let error: unknown;
    try {
      db.run("INSERT INTO texts VALUES (?)", ["x".repeat(100_000)]);
    } catch (caught) {
      error = caught;
    }
    expect(isStorageFailure(error)).toBe(true);
    expect(storageError(error, "x").code).toBe("storage_full");
  });

  test("a mistake in what was asked of the database is none", () => {
    expect(isStorageFailure(errorOf("INSERT INTO one VALUES (1)"))).toBe(false);
    expect(isStorageFailure(errorOf("SELECT nonsense"))).toBe(false);
    expect(isStorageFailure(new Error("SQLITE_FULL"))).toBe(false);
  });
});
