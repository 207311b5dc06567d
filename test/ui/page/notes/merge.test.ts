import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { firstChoice, merged, mergeParts } from "../../../../src/ui/page/notes/merge.ts";

const text = fc.array(fc.constantFrom("a", "b", "c", "", "dd"), { maxLength: 12 }).map((lines) => lines.join("\n"));

describe("merging", () => {
  test("all of mine is mine, all of theirs is theirs", () => {
    fc.assert(
      fc.property(text, text, text, (base, mine, theirs) => {
        const parts = mergeParts(base, mine, theirs);
        const all = (choice: "mine" | "theirs") =>
          merged(
            parts,
            parts.map(() => choice),
          );
        expect(all("mine")).toBe(mine);
        expect(all("theirs")).toBe(theirs);
      }),
    );
  });

  test("what only one side changed needs no decision, and becomes what that side made of it", () => {
    fc.assert(
      fc.property(text, text, (base, changed) => {
        const byMe = mergeParts(base, changed, base);
        expect(merged(byMe, byMe.map(firstChoice))).toBe(changed);
        const byThem = mergeParts(base, base, changed);
        expect(merged(byThem, byThem.map(firstChoice))).toBe(changed);
        for (const part of [...byMe, ...byThem]) if (part.kind === "differing") expect(part.changedBy).not.toBe("both");
      }),
    );
  });

  test("asks where both sides changed the same place, and takes the rest from whoever changed it", () => {
    const parts = mergeParts("one\ntwo\nthree\nfour\nfive", "ONE\ntwo\nthree\nfour\nmine", "one\ntwo\n3\nfour\ntheirs");
    expect(parts.filter(({ kind }) => kind === "differing").map(firstChoice)).toEqual(["mine", "theirs", undefined]);
    const choices = parts.map((part) => firstChoice(part) ?? "both");
    expect(merged(parts, choices)).toBe("ONE\ntwo\n3\nfour\nmine\ntheirs");
  });

  test("does not ask about what both sides changed alike", () => {
    const parts = mergeParts("one\ntwo", "one\n2", "one\n2");
    expect(parts.every(({ kind }) => kind === "same")).toBe(true);
    expect(merged(parts, [])).toBe("one\n2");
  });

  test("tells an empty line from none", () => {
    const parts = mergeParts("end", "end\n", "end");
    expect(merged(parts, parts.map(firstChoice))).toBe("end\n");
  });
});
