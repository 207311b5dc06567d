import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Delivery } from "../../src/webhooks/contract.ts";
import { type Request, TestWebhooks, user } from "../support/webhooks.ts";

type Step =
  | { do: "publish"; count: number }
  | { do: "want"; noise: boolean }
  | { do: "answer"; status: number; which: number }
  | { do: "refuse"; which: number }
  | { do: "wait"; ms: number }
  | { do: "crash" }
  | { do: "disable" }
  | { do: "enable" }
  | { do: "retry" };

/** How many turns of the event loop pass before the next step: most changes are under way when it comes. */
const turns = fc.constantFrom(0, 1, 2, 3, 12);

const status = fc.constantFrom(200, 200, 200, 204, 500, 503, 429, 302);
const which = fc.nat({ max: 5 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("publish" as const), count: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("answer" as const), status, which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("refuse" as const), which }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(0, 10, 1000, 6000, 200_000) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("crash" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("want" as const), noise: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constantFrom<Step>({ do: "disable" }, { do: "enable" }, { do: "retry" }) },
);

interface Seen {
  request: Request;
  isOpen: boolean;
  wasTaken: boolean;
}

/** A webhook and a receiver that writes down what it saw. */
class World {
  readonly server = new TestWebhooks();
  readonly seen: Seen[] = [];
  #id = "";
  #number = 0;
  #ordered = false;
  /** It was answered that noise is not wanted any more. */
  #wantsNoNoise = false;

  async start(ordered: boolean): Promise<void> {
    this.#ordered = ordered;
    this.#id = (await this.server.create({ events: ["Thing*", "Noise"], ordered, max_concurrency: 3 })).id;
  }

  async run(one: Step, turns = 12): Promise<void> {
    const done = this.#begin(one).catch(() => {});
    if (one.do === "crash" || one.do === "wait") await done;
    for (let turn = 0; turn < turns; turn++) {
      this.#look();
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#look();
  }

  /** The events that the log has, in order: what was on its way when the server died may be missing. */
  committed(): string[] {
    return this.server.events().filter((name) => name.startsWith("Thing"));
  }

  async #begin(one: Step): Promise<void> {
    const { server } = this;
    if (one.do === "publish") {
      await server.publish(...Array.from({ length: one.count }, () => [`Thing${this.#number++}`, "Noise"]).flat());
    } else if (one.do === "want") await this.#want(one.noise);
    else if (one.do === "wait") await server.clock.advance(one.ms);
    else if (one.do === "crash") {
      this.#look();
      for (const seen of this.seen) seen.isOpen = false;
      await server.crash();
      this.#wantsNoNoise = !server.webhooks.get(this.#id).events.includes("Noise");
    } else if (one.do === "disable") await server.webhooks.disable(this.#id, user);
    else if (one.do === "enable") await server.webhooks.enable(this.#id, user);
    else if (one.do === "retry") await this.#retry();
    else if (one.do === "answer") await this.#answer(one.which, one.status);
    else await this.#answer(one.which, undefined);
  }

  async #want(noise: boolean): Promise<void> {
    this.#wantsNoNoise = false;
    await this.server.webhooks.update(this.#id, { events: noise ? ["Thing*", "Noise"] : ["Thing*"] });
    // What was begun before this was answered may still be noise.
    this.#look();
    this.#wantsNoNoise = !noise;
  }

  /** Until nothing is owed any more; the receiver takes everything. */
  async finish(): Promise<void> {
    for (let turn = 0; turn < 60; turn++) {
      await this.run({ do: "enable" });
      while (this.seen.some(({ isOpen }) => isOpen)) await this.run({ do: "answer", status: 200, which: 0 });
      await this.run({ do: "wait", ms: 130_000 });
      const { pending, lag } = this.server.webhooks.get(this.#id);
      if (pending === 0 && lag === 0) return;
    }
    throw new Error(`something is still owed: ${JSON.stringify(this.server.webhooks.get(this.#id))}`);
  }

  deliveries() {
    return this.server.deliveries({ id: this.#id }).reverse();
  }

  #look(): void {
    for (const request of this.server.requests.splice(0)) {
      const open = this.seen.filter(({ isOpen }) => isOpen);
      if (open.some((one) => one.request.id === request.id)) throw new Error("a delivery is attempted twice at once");
      const isNew = !this.seen.some((one) => one.request.id === request.id);
      if (isNew && request.event.event === "Noise" && this.#wantsNoNoise) throw new Error("what is not wanted was sent");
      if (this.#ordered) this.#checkOrder(request, open.length);
      this.seen.push({ request, isOpen: true, wasTaken: false });
    }
  }

  #checkOrder(request: Request, open: number): void {
    if (open > 0) throw new Error("two requests are under way in spite of strict order");
    const deliveries = this.deliveries();
    const before = deliveries.slice(
      0,
      deliveries.findIndex(({ id }) => id === request.id),
    );
    // What was taken need not be written down yet.
    const wasTaken = (id: string) => this.seen.findLast((one) => one.request.id === id)?.wasTaken === true;
    // Noise that was never sent need not be: it may be unwanted, and about to be forgotten.
    const isOwed = ({ event, attempts, status }: Delivery) => status === "pending" && (event !== "Noise" || attempts > 0);
    if (before.some((one) => isOwed(one) && !wasTaken(one.id))) throw new Error("an event was sent before one that comes first");
  }

  async #answer(index: number, code: number | undefined): Promise<void> {
    const open = this.seen.filter(({ isOpen }) => isOpen);
    const one = open[index % Math.max(1, open.length)];
    if (!one) return;
    one.isOpen = false;
    one.wasTaken = code === 200 || code === 204;
    await (code === undefined ? one.request.refuse() : one.request.answer(code));
  }

  async #retry(): Promise<void> {
    const [newest] = this.server.deliveries({ id: this.#id });
    if (newest) await this.server.webhooks.deliveries.retry(this.#id, newest.id).catch(() => {});
  }
}

test.each([false, true])(
  "whatever happens, every event arrives, unchanged and told truly (strict order: %p)",
  async (ordered) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(step, turns), { minLength: 5, maxLength: 60 }), async (steps) => {
        const world = new World();
        await world.start(ordered);
        try {
          for (const [one, after] of steps) await world.run(one, after);
          await world.finish();
          const deliveries = world.deliveries();
          const committed = world.committed();
          const bodies = new Map<string, Set<string>>();
          for (const { request } of world.seen) {
            bodies.set(request.id, (bodies.get(request.id) ?? new Set()).add(request.outgoing.body));
          }
          // One delivery per event, in the order of the log; what is not always wanted has one at most.
          expect(deliveries.map(({ event }) => event).filter((event) => event !== "Noise")).toEqual(committed);
          expect(new Set(deliveries.map(({ event_id }) => event_id)).size).toBe(deliveries.length);
          for (const { id, status: told, attempts, event } of deliveries) {
            const requests = world.seen.filter(({ request }) => request.id === id);
            const wasTaken = requests.some((one) => one.wasTaken);
            expect(bodies.get(id)?.size).toBe(1);
            expect(requests[0]?.request.event.event).toBe(event);
            expect(attempts).toBeLessThanOrEqual(requests.length);
            // Given up is only what was not taken in five attempts, or not taken when somebody asked for one more.
            if (told === "delivered") expect(wasTaken).toBe(true);
            else expect({ told, isLong: attempts >= 2 }).toEqual({ told: "exhausted", isLong: true });
          }
          if (ordered) {
            const first = world.seen.filter(
              (one, index) => world.seen.findIndex(({ request }) => request.id === one.request.id) === index,
            );
            expect(first.map(({ request }) => request.event.event).filter((event) => event !== "Noise")).toEqual(committed);
          }
        } finally {
          await world.server.close();
        }
      }),
      { numRuns: Number(process.env.MATRIC_TEST_RUNS ?? 40), interruptAfterTimeLimit: 60_000 },
    );
  },
  90_000,
);
