import type { Agent } from "./mcp.ts";

interface Waited {
  events: { id: string }[];
  next_cursor: string;
  gap: unknown;
}

/** An agent that follows the log just as its tool tells it to; what fails it tries again with the same cursor. */
export class Following {
  /** Ids of the events that it was told of, in the order in which it was. */
  readonly told: string[] = [];
  failures = 0;
  gaps = 0;
  #cursor: string;
  #isStopped = false;
  readonly #abort = new AbortController();
  readonly #running: Promise<void>;

  private constructor(
    private readonly agent: Agent,
    private readonly events: string[],
    cursor: string,
  ) {
    this.#cursor = cursor;
    this.#running = this.#follow();
  }

  static async begin(agent: Agent, events: string[]): Promise<Following> {
    const { next_cursor } = await agent.call<Waited>("wait_for_events", { timeout_ms: 0 });
    return new Following(agent, events, next_cursor);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#abort.abort();
    await this.#running;
  }

  async #follow(): Promise<void> {
    while (!this.#isStopped) {
      try {
        const args = { after: this.#cursor, events: this.events, timeout_ms: 10_000 };
        const { events, next_cursor, gap } = await this.agent.call<Waited>("wait_for_events", args, this.#abort.signal);
        this.told.push(...events.map(({ id }) => id));
        this.#cursor = next_cursor;
        if (gap !== null) this.gaps++;
      } catch {
        this.failures++;
        await Bun.sleep(50);
      }
    }
  }
}
