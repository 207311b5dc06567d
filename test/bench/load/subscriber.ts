// A process that subscribes: as many streams as asked for, counted and timed, read as bytes.
import { nowUs } from "../monotonic.ts";
import { HookReceiver } from "./hook-receiver.ts";
import { type Account, type Expected, Ledger } from "./ledger.ts";
import { StreamSocket, type StreamTarget } from "./stream-socket.ts";
import { TokenScanner } from "./token.ts";
import { answerCalls } from "./worker-process.ts";

export interface ExpectRequest extends Expected {
  /** The start of the bench, from which the tokens count. */
  zeroUs: number;
}

export interface OpenRequest {
  target: Omit<StreamTarget, "path">;
  /** One per stream. */
  paths: string[];
}

export interface ChurnRequest {
  target: StreamTarget;
  cycles: number;
}

export type SubscriberCalls = {
  /** Begins a new account; what came before counts no more. */
  expect(request: ExpectRequest): void;
  /** Opens streams beside those that are open; resolves when all are live. */
  open(request: OpenRequest): Promise<{ startedAtUs: number }>;
  received(request: null): number;
  account(request: { answered: number }): Account;
  /** Takes webhooks, too: that at the path `/3` counts as the stream 3. Resolves to the port. */
  takeWebhooks(request: null): number;
  closeAll(request: null): void;
  /** Opens a stream and lets it go, so many times. */
  churn(request: ChurnRequest): Promise<void>;
};

/** Connections that are being opened at the same time: fewer than a listening socket lets wait. */
const openingMax = 64;

const streams: StreamSocket[] = [];
let hooks: HookReceiver | undefined;
let ledger = new Ledger({ firstSeq: 0, events: 0, publishers: 1, streams: 0 });
let zeroUs = 0;

async function openStream(target: StreamTarget, index: number): Promise<void> {
  const scanner = new TokenScanner();
  let now = 0;
  const found = (publisher: number, seq: number, dueUs: number) => ledger.add(index, publisher, seq, dueUs, now);
  const stream = await StreamSocket.open(target, (bytes) => {
    now = nowUs() - zeroUs;
    scanner.scan(bytes, found);
  });
  streams.push(stream);
}

const calls: SubscriberCalls = {
  expect(request) {
    zeroUs = request.zeroUs;
    ledger = new Ledger(request);
  },
  async open({ target, paths }) {
    const startedAtUs = nowUs() - zeroUs;
    const first = streams.length;
    for (let from = 0; from < paths.length; from += openingMax) {
      const some = paths.slice(from, from + openingMax);
      await Promise.all(some.map((path, k) => openStream({ ...target, path }, first + from + k)));
    }
    return { startedAtUs };
  },
  received: () => ledger.received,
  account: ({ answered }) => ledger.account(answered),
  takeWebhooks() {
    const scanner = new TokenScanner();
    hooks ??= new HookReceiver((hook, body) => {
      const now = nowUs() - zeroUs;
      scanner.scan(body, (publisher, seq, dueUs) => ledger.add(hook, publisher, seq, dueUs, now));
    });
    return hooks.port;
  },
  closeAll() {
    hooks?.stop();
    hooks = undefined;
    for (const stream of streams.splice(0)) stream.abort();
  },
  async churn({ target, cycles }) {
    for (let left = cycles; left > 0; left -= openingMax) {
      const some = Array.from({ length: Math.min(left, openingMax) }, () => StreamSocket.open(target, () => {}));
      for (const stream of await Promise.all(some)) stream.abort();
    }
  },
};

if (import.meta.main) answerCalls(calls);
