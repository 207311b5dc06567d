import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";

const Published = Type.Object({ id: Type.String() });
const Answer = Type.Union([Published, Type.Object({ items: Type.Array(Published) })]);
const Page = Type.Object({
  items: Type.Array(Type.Object({ id: Type.String(), data: Type.Object({ n: Type.Number() }) })),
  next_cursor: Type.Union([Type.String(), Type.Null()]),
});

/** Publishers that write down what they were answered, so that a test can hold it against the log. */
export class Publishing {
  /** Of every event that was answered 201: its id, by its own number. */
  readonly acknowledged = new Map<number, string>();
  /** Statuses other than 201, and how often. */
  readonly refused = new Map<number, number>();
  /** What the last of those said. */
  lastRefusal: unknown;
  #next = 0;
  #isStopped = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(private readonly text = "") {}

  /** Begins to publish from so many clients at once, singles and arrays; each ends when it cannot reach the server. */
  start(url: string, clients: number): void {
    this.#isStopped = false;
    this.#running = Promise.all(Array.from({ length: clients }, (_, index) => this.#publish(url, index % 2 ? 7 : 1)));
  }

  /** Resolves when the last answer, or failure, is there. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  /** One request; false when there was no answer. */
  async once(url: string, count = 1): Promise<number | undefined> {
    const numbers = Array.from({ length: count }, () => this.#next++);
    const events = numbers.map((n) => ({ event: "ThingHappened", data: { n, text: this.text } }));
    try {
      const response = await fetch(`${url}/api/v1/events`, {
        method: "POST",
        body: JSON.stringify(count === 1 ? events[0] : events),
        headers: { "content-type": "application/json" },
      });
      const body: unknown = await response.json();
      if (response.status === 201) {
        const answer = Value.Decode(Answer, body);
        const ids = "items" in answer ? answer.items : [answer];
        for (const [index, n] of numbers.entries()) this.acknowledged.set(n, ids[index]?.id ?? "");
      } else {
        this.refused.set(response.status, (this.refused.get(response.status) ?? 0) + 1);
        this.lastRefusal = body;
      }
      return response.status;
    } catch {
      return undefined;
    }
  }

  async #publish(url: string, count: number): Promise<void> {
    while (!this.#isStopped && (await this.once(url, count)) !== undefined);
  }
}

interface Kept {
  id: string;
  n: number;
}

/** The whole log as it is now, page by page. */
export async function wholeLog(url: string): Promise<Kept[]> {
  const kept: Kept[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const response: Response = await fetch(`${url}/api/v1/events?events=ThingHappened&limit=500&cursor=${cursor}`, {
      headers: { accept: "application/json" },
    });
    if (response.status !== 200) throw new Error(`the history answered ${response.status}: ${await response.text()}`);
    const page = Value.Decode(Page, await response.json());
    kept.push(...page.items.map(({ id, data }) => ({ id, n: data.n })));
    cursor = page.next_cursor;
  }
  return kept;
}

/** What is wrong with a log as against what was acknowledged: nothing may be missing, there twice, or out of order. */
export function complaints(acknowledged: ReadonlyMap<number, string>, kept: readonly Kept[]): string[] {
  const idOf = new Map(kept.map(({ id, n }) => [n, id]));
  const seqs = kept.map(({ id }) => Number(id.split("-")[0]));
  return [
    ...[...acknowledged]
      .filter(([n, id]) => idOf.get(n) !== id)
      .map(([n, id]) => `event ${n} was acknowledged as ${id} and is ${idOf.get(n)}`),
    ...(idOf.size === kept.length ? [] : ["an event is in the log twice"]),
    ...(seqs.every((seq, index) => index === 0 || seq > (seqs[index - 1] ?? 0)) ? [] : ["the log is out of order"]),
  ];
}
