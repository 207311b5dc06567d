import { expect, test } from "bun:test";
import { Ledger } from "./ledger.ts";
import { eventJson } from "./post.ts";
import { TokenScanner, tokenOf } from "./token.ts";

/** What the given streams received, each a list of event numbers, sent by one publisher. */
function accountOf(streams: number[][], answered: number) {
  const ledger = new Ledger({ firstSeq: 1, events: 100, publishers: 1, streams: streams.length });
  for (const [stream, seqs] of streams.entries()) {
    for (const seq of seqs) ledger.add(stream, 0, seq, 1000, 3000);
  }
  return ledger.account(answered);
}

test("streams that got everything once and in order are in the clear", () => {
  expect(
    accountOf(
      [
        [1, 2, 3],
        [1, 2, 3],
      ],
      3,
    ),
  ).toMatchObject({ received: 6, lost: 0, twice: 0, disordered: 0 });
});

test("a missing event is lost", () => {
  expect(
    accountOf(
      [
        [1, 2, 3],
        [1, 3],
      ],
      3,
    ),
  ).toMatchObject({ received: 5, lost: 1, twice: 0 });
});

test("a repeated event came twice", () => {
  expect(accountOf([[1, 2, 2, 3]], 3)).toMatchObject({ received: 3, lost: 0, twice: 1 });
});

test("an event after a later one of its publisher is disordered", () => {
  expect(accountOf([[1, 3, 2]], 3)).toMatchObject({ lost: 0, disordered: 1 });
});

test("a stream whose order is not that of the others is disordered, whoever published", () => {
  const ledger = new Ledger({ firstSeq: 1, events: 2, publishers: 2, streams: 3 });
  for (const [stream, order] of [
    [1, 2],
    [1, 2],
    [2, 1],
  ].entries()) {
    for (const seq of order) ledger.add(stream, seq - 1, seq, 0, 0);
  }
  expect(ledger.account(2).disordered).toBe(1);
});

test("events of another step do not count", () => {
  expect(accountOf([[0, 1, 101]], 1)).toMatchObject({ received: 1, lost: 0 });
});

test("tokens are found wherever the bytes are cut", () => {
  const bytes = Buffer.from([7, 8, 9].map((seq) => eventJson("Bench", tokenOf(3, seq, 12_345))).join("\r\n"));
  for (let cut = 0; cut <= bytes.length; cut++) {
    const found: number[][] = [];
    const scanner = new TokenScanner();
    for (const part of [bytes.subarray(0, cut), bytes.subarray(cut)]) scanner.scan(part, (...token) => found.push(token));
    expect(found).toEqual([
      [3, 7, 12_345],
      [3, 8, 12_345],
      [3, 9, 12_345],
    ]);
  }
});
