import { Histogram, type Summary } from "../histogram.ts";

/** The events that are counted: numbers from `firstSeq` on; all others are strangers of an earlier step. */
export interface Expected {
  firstSeq: number;
  events: number;
  /** Connections that publish: only what came over the same one has a known order. */
  publishers: number;
  streams: number;
}

export interface Account {
  received: number;
  /** Events that a stream did not get, summed over the streams. */
  lost: number;
  twice: number;
  /** Events that came after a later one of the same publisher, and streams whose order is not that of most. */
  disordered: number;
  latency: Summary;
  firstAtUs: number;
  lastAtUs: number;
}

/** What every stream got, against what it should have got. */
export class Ledger {
  received = 0;
  #twice = 0;
  #disordered = 0;
  #firstAtUs = 0;
  #lastAtUs = 0;
  readonly #latency = new Histogram();
  readonly #bytesPerStream: number;
  /** One bit per event and stream. */
  readonly #seen: Uint8Array;
  readonly #newest: Int32Array;
  readonly #counts: Int32Array;
  /** Of the whole order in which a stream got the events. */
  readonly #hashes: Int32Array;

  constructor(private readonly expected: Expected) {
    const { events, publishers, streams } = expected;
    this.#bytesPerStream = (events + 7) >> 3;
    this.#seen = new Uint8Array(this.#bytesPerStream * streams);
    this.#newest = new Int32Array(publishers * streams).fill(-1);
    this.#counts = new Int32Array(streams);
    this.#hashes = new Int32Array(streams);
  }

  add(stream: number, publisher: number, seq: number, dueUs: number, nowUs: number): void {
    const { firstSeq, events, publishers } = this.expected;
    const number = seq - firstSeq;
    if (number < 0 || number >= events) return;
    const byte = stream * this.#bytesPerStream + (number >> 3);
    const bit = 1 << (number & 7);
    const seen = this.#seen[byte] ?? 0;
    if (seen & bit) {
      this.#twice++;
      return;
    }
    this.#seen[byte] = seen | bit;
    const lane = stream * publishers + publisher;
    if (number < (this.#newest[lane] ?? -1)) this.#disordered++;
    else this.#newest[lane] = number;
    this.#hashes[stream] = (Math.imul(this.#hashes[stream] ?? 0, 31) + number) | 0;
    this.#counts[stream] = (this.#counts[stream] ?? 0) + 1;
    this.received++;
    this.#latency.add(nowUs - dueUs);
    if (this.#firstAtUs === 0) this.#firstAtUs = nowUs;
    this.#lastAtUs = nowUs;
  }

  /** `answered` is how many of the expected events the server said it has. */
  account(answered: number): Account {
    let lost = 0;
    for (const count of this.#counts) lost += Math.max(0, answered - count);
    return {
      received: this.received,
      lost,
      twice: this.#twice,
      disordered: this.#disordered + this.#inOtherOrder(),
      latency: this.#latency.summary(),
      firstAtUs: this.#firstAtUs,
      lastAtUs: this.#lastAtUs,
    };
  }

  #inOtherOrder(): number {
    const streamsOf = new Map<number, number>();
    for (const hash of this.#hashes) streamsOf.set(hash, (streamsOf.get(hash) ?? 0) + 1);
    return this.expected.streams - Math.max(0, ...streamsOf.values());
  }
}
