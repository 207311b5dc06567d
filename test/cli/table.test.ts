import { describe, expect, test } from "bun:test";
import { type Column, renderPairs, renderTable } from "../../cli/table.ts";
import { fakeIo } from "../support/fake-io.ts";

interface Row {
  id: string;
  title: string;
}

const columns: Column<Row>[] = [
  { header: "id", text: ({ id }) => id, plain: ({ id }) => `full-${id}` },
  { header: "title", text: ({ title }) => title, shrinks: true },
];
const uncoloured = { NO_COLOR: "1" };

describe("a table", () => {
  test("is aligned on a terminal, by the width that is seen", () => {
    const { io } = fakeIo({ isTty: true, env: uncoloured });
    const rows = [
      { id: "世界", title: "a" },
      { id: "1", title: "bb" },
    ];
    expect(renderTable(io, columns, rows)).toBe("ID    TITLE\n世界  a\n1     bb\n");
  });

  test("has tabs, whole values and no header in a pipe", () => {
    const { io } = fakeIo();
    expect(renderTable(io, columns, [{ id: "1", title: "x".repeat(200) }])).toBe(`full-1\t${"x".repeat(200)}\n`);
  });

  test("is coloured and aligned in a pipe as well when colour is forced", () => {
    const { io } = fakeIo({ env: { CLICOLOR_FORCE: "1" } });
    expect(renderTable(io, columns, [{ id: "1", title: "a" }])).toBe("\x1b[90mID\x1b[0m  \x1b[90mTITLE\x1b[0m\n1   a\n");
    expect(renderPairs(io, [["id", "1"]])).toBe("\x1b[90mid\x1b[0m  1\n");
  });

  test("leaves columns out where there is no room for them, and cuts one, but never an id", () => {
    const { io, stdout } = fakeIo({ isTty: true, env: uncoloured });
    const wide: Column<Row>[] = [
      ...columns,
      { header: "first to go", text: () => "a value", gives: 2 },
      { header: "next", text: () => "b", gives: 1 },
    ];
    const widths = [120, 40, 28, 8].map((columns) => {
      stdout.columns = columns;
      return renderTable(io, wide, [{ id: "0123456789", title: "a title of some length" }])
        .split("\n", 1)[0]
        ?.split(/ {2,}/);
    });
    expect(widths).toEqual([
      ["ID", "TITLE", "FIRST TO GO", "NEXT"],
      ["ID", "TITLE", "NEXT"],
      ["ID", "TITLE"],
      ["ID", "TITLE"],
    ]);
    stdout.columns = 28;
    for (const line of renderTable(io, wide, [{ id: "0123456789", title: "a title of some length" }]).split("\n"))
      expect(Bun.stringWidth(line)).toBeLessThanOrEqual(28);
  });

  test("keeps one row on one line, whatever is in it", () => {
    const row = { id: "1", title: "a\tb\nc\x1b[2J" };
    expect(renderTable(fakeIo().io, columns, [row])).toBe("full-1\ta\\tb\\nc\\u001b[2J\n");
    expect(renderTable(fakeIo({ isTty: true, env: uncoloured }).io, columns, [row])).not.toContain("\x1b");
  });

  test("cuts the column that may shrink, between whole characters", () => {
    const { io, stdout } = fakeIo({ isTty: true, env: uncoloured });
    stdout.columns = 20;
    const [, line] = renderTable(io, columns, [{ id: "1", title: "👩‍👩‍👧".repeat(20) }]).split("\n");
    expect(line).toBe(`1   ${"👩‍👩‍👧".repeat(7)}…`);
  });

  test("pairs are aligned too", () => {
    const pairs = [
      ["id", "1"],
      ["title", "a\nb"],
    ] as const;
    expect(renderPairs(fakeIo({ isTty: true, env: uncoloured }).io, pairs)).toBe("id     1\ntitle  a\\nb\n");
    expect(renderPairs(fakeIo().io, pairs)).toBe("id\t1\ntitle\ta\\nb\n");
  });
});
