import { type Client, createClient } from "../../src/client/client.ts";
import { ClientError } from "../../src/client/errors.ts";
import type { Envelope } from "../../src/events/catalog.ts";
import type { Note } from "../../src/notes/contract.ts";

interface KnownNote {
  version: number;
  content: string;
  /** What was asked for, and may or may not have happened when there was no answer. */
  asked: string | undefined;
}

const jobType = "resize";
/** Between two requests of one worker: what is written must also be read by everybody who follows. */
const pauseMs = 3;

/** Everything that changes something, all at once, by clients that write down what they were answered. */
export class MixedLoad {
  /** By the id of the event, what was published. */
  readonly published = new Map<string, number>();
  readonly notes = new Map<string, KnownNote>();
  /** Jobs that were taken on, and whether a worker was told that one is done. */
  readonly jobs = new Map<string, "waiting" | "completed">();
  /** Answers that should not have come. */
  readonly surprises: string[] = [];
  #next = 0;
  #isStopped = false;
  #running: Promise<unknown> = Promise.resolve();

  /** How many changes were acknowledged. */
  get acknowledged(): number {
    const changes = [...this.notes.values()].reduce((sum, { version }) => sum + version, 0);
    return this.published.size + changes + this.jobs.size;
  }

  /** Each worker ends when it cannot reach the server. */
  start(url: string): void {
    this.#isStopped = false;
    const client = createClient({ url });
    const work = [this.#publish, this.#publish, this.#write, this.#write, this.#write, this.#order, this.#serve, this.#serve];
    this.#running = Promise.all(work.map((one) => this.#repeat(() => one.call(this, client))));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #repeat(work: () => Promise<void>): Promise<void> {
    while (!this.#isStopped) {
      try {
        await work();
      } catch (error) {
        if (!(error instanceof ClientError) || error.code === "unreachable" || error.code === "timed_out") return;
        this.surprises.push(String(error));
      }
      await Bun.sleep(pauseMs);
    }
  }

  async #publish(client: Client): Promise<void> {
    const numbers = Array.from({ length: 1 + Math.floor(Math.random() * 3) }, () => this.#next++);
    const ids = await client.events.publishAll(numbers.map((n) => ({ event: "ThingHappened", data: { n } })));
    for (const [index, n] of numbers.entries()) this.published.set(ids[index] ?? "", n);
  }

  async #write({ notes }: Client): Promise<void> {
    const content = `text ${this.#next++}`;
    const [id, known] = this.#freeNote() ?? [];
    if (id === undefined || known === undefined) {
      const { id, version } = await notes.create({ title: "Note", content });
      this.notes.set(id, { version, content, asked: undefined });
      return;
    }
    known.asked = content;
    const { version } = await notes.update(id, { content }, { ifVersion: known.version });
    Object.assign(known, { version, content, asked: undefined });
  }

  /** One that nobody changes now, and of which everything is known. */
  #freeNote(): [string, KnownNote] | undefined {
    if (Math.random() < 0.1) return undefined;
    const free = [...this.notes].filter(([, { asked }]) => asked === undefined);
    return free[Math.floor(Math.random() * free.length)];
  }

  async #order({ jobs }: Client): Promise<void> {
    this.jobs.set((await jobs.create({ type: jobType })).id, "waiting");
  }

  async #serve({ jobs }: Client): Promise<void> {
    const job = await jobs.claim({ types: [jobType], worker_id: "worker" });
    if (!job) return;
    try {
      await jobs.complete(job.id, { lease_token: job.lease.token });
    } catch (error) {
      // Somebody else has it: the lease ended while the server was away.
      if (error instanceof ClientError && error.code === "conflict") return;
      throw error;
    }
    this.jobs.set(job.id, "completed");
  }

  /** What is not as it was acknowledged. `log` is all of it. */
  async complaints(url: string, log: readonly Envelope[]): Promise<string[]> {
    const client = createClient({ url });
    const complaints = [...this.surprises];
    const seqs = log.map(({ id }) => Number(String(id).split("-")[0]));
    if (seqs.some((seq, index) => index > 0 && seq <= (seqs[index - 1] ?? 0))) complaints.push("the log is out of order");
    const byId = new Map(log.map((event) => [String(event.id), event]));
    for (const [id, n] of this.published) {
      if (byId.get(id)?.data.n !== n) complaints.push(`event ${id} was acknowledged, and is ${JSON.stringify(byId.get(id))}`);
    }
    const versions = Map.groupBy(
      log.filter(({ data }) => "version" in data),
      ({ data }) => String(data.note_id),
    );
    for (const [id, { version, content, asked }] of this.notes) {
      const note: Note = await client.notes.get(id);
      const isAsWas = note.version === version && note.content === content;
      const isAsAsked = asked !== undefined && note.version === version + 1 && note.content === asked;
      if (!isAsWas && !isAsAsked) complaints.push(`note ${id} was acknowledged at ${version}, and is at ${note.version}`);
      const told = (versions.get(id) ?? []).map(({ data }) => data.version);
      if (told.join() !== Array.from({ length: note.version }, (_, index) => index + 1).join())
        complaints.push(`of note ${id} at ${note.version} the log tells the versions ${told.join()}`);
    }
    const ofJobs = Map.groupBy(
      log.filter(({ event }) => event.startsWith("Job")),
      ({ data }) => String(data.job_id),
    );
    for (const [id, state] of this.jobs) {
      const names = (ofJobs.get(id) ?? []).map(({ event }) => event);
      const count = (name: string) => names.filter((one) => one === name).length;
      if (count("JobQueued") !== 1) complaints.push(`of job ${id} the log tells ${names.join()}`);
      if (state === "completed" && (await client.jobs.get(id)).status !== "completed")
        complaints.push(`job ${id} is not completed`);
      if (state === "completed" && count("JobCompleted") !== 1)
        complaints.push(`of the completed job ${id} the log tells ${names.join()}`);
    }
    for (const [id, events] of ofJobs) {
      if (events.filter(({ event }) => event === "JobCompleted").length > 1) complaints.push(`job ${id} was completed twice`);
    }
    return complaints;
  }
}
