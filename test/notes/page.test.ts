import { expect, test } from "bun:test";
import { takePage } from "../../src/notes/page.ts";

const textOf = (chars: number) => ({ content: "x".repeat(chars) });

test("a page has as many items as asked for and tells whether there are more", () => {
  expect(takePage([1, 2, 3], 2, textOf)).toEqual({ items: [textOf(1), textOf(2)], hasMore: true });
  expect(takePage([1, 2], 2, textOf)).toEqual({ items: [textOf(1), textOf(2)], hasMore: false });
  expect(takePage([], 2, textOf)).toEqual({ items: [], hasMore: false });
});

test("a page of long texts ends early, and the rest is not even read", () => {
  const read: number[] = [];
  const { items, hasMore } = takePage([3_000_000, 3_000_000, 5, 6], 50, (chars) => {
    read.push(chars);
    return textOf(chars);
  });
  expect(items).toHaveLength(2);
  expect(hasMore).toBe(true);
  expect(read).toEqual([3_000_000, 3_000_000]);
});

test("a page has at least one item, however long", () => {
  expect(takePage([5_000_000, 1], 50, textOf).items).toHaveLength(1);
});
