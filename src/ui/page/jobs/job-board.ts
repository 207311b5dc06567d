import { computed, signal } from "@preact/signals";
import type { Client } from "../../../client/client.ts";
import { decode } from "../../../client/conform.ts";
import type { ReceivedEvent } from "../../../client/stream-item.ts";
import { transientCatalog } from "../../../events/transient-catalog.ts";
import type { Job, ListJobs, QueueStatus } from "../../../jobs/contract.ts";
import type { Arrival, FeedListener } from "../live/feed-listener.ts";
import { patiently } from "../shell/patiently.ts";
import { afterEvent, isActive, type JobView, viewOf } from "./job-view.ts";

/** Jobs that ended: so many are shown, and at most twice as many kept. */
const recentMost = 60;
const pageJobs = 500;
/** In a longer queue nobody's place further back is told exactly. */
const waitingMost = 5 * pageJobs;

/** All jobs that wait or run, and those that ended lately. Fetched once; from then on events keep them up to date. */
export class JobBoard implements FeedListener {
  readonly jobs = signal<ReadonlyMap<string, JobView>>(new Map());
  readonly queue = signal<QueueStatus | undefined>(undefined);
  /** Why the jobs could not be loaded. */
  readonly problem = signal<string | undefined>(undefined);
  readonly isPanelOpen = signal(false);
  readonly waiting = computed(() =>
    this.#all()
      .filter(({ status }) => status === "queued")
      .sort(byTurn),
  );
  readonly running = computed(() =>
    this.#all()
      .filter(({ status }) => status === "running")
      .sort(byTurn),
  );
  readonly recent = computed(() =>
    this.#all()
      .filter((job) => !isActive(job))
      .sort(byEnd)
      .slice(0, recentMost),
  );
  /** The place in the queue, from 1, of every job that only waits for its turn. */
  readonly places = computed(() => {
    const inLine = this.waiting.value.filter(({ retryAt }) => retryAt === undefined);
    return new Map(inLine.map(({ id }, index) => [id, index + 1]));
  });
  /** Jobs that wait and run: counted here, where events come at once; in a longer queue than this one knows, as the server counts. */
  readonly counts = computed(() => {
    const [waiting, running] = [this.waiting.value.length, this.running.value.length];
    const { pending, running: told } = this.queue.value ?? { pending: waiting, running };
    return this.#isCut.value ? { waiting: pending, running: told } : { waiting, running };
  });
  readonly newestByNote = computed(() => {
    const newest = new Map<string, JobView>();
    for (const job of this.#all()) {
      if (job.noteId !== undefined && job.id >= (newest.get(job.noteId)?.id ?? "")) newest.set(job.noteId, job);
    }
    return newest;
  });
  readonly #isCut = signal(false);
  #loading: AbortController | undefined;
  /** Events that came while the jobs were being fetched: the answer may be older than they are. */
  #meanwhile: ReceivedEvent[] = [];

  constructor(private readonly client: Client) {}

  refresh(): void {
    this.#loading?.abort();
    this.#loading = new AbortController();
    this.#meanwhile = [];
    void this.#load(this.#loading.signal);
  }

  resumed(): void {
    if (this.problem.value !== undefined) this.refresh();
  }

  arrived(arrivals: readonly Arrival[]): void {
    const events = arrivals.map(({ event }) => event);
    const status = events.findLast(({ name }) => name === "QueueStatus");
    if (status) this.queue.value = decode(transientCatalog.QueueStatus.data, status.envelope.data, "The event stream");
    const switched = events.findLast(({ name }) => name === "QueuePaused" || name === "QueueResumed");
    if (switched && this.queue.value) this.queue.value = { ...this.queue.value, paused: switched.name === "QueuePaused" };
    const aboutJobs = events.filter(({ name }) => name.startsWith("Job"));
    if (this.#loading) this.#meanwhile.push(...aboutJobs);
    this.#apply(aboutJobs);
  }

  /** The answer to a request that queued a job; its events may have come first. */
  put(job: Job): void {
    const known = this.jobs.value.get(job.id);
    this.#change([known ? { ...known, priority: job.priority } : viewOf(job)]);
  }

  /** Workers take no more jobs, or take them again. Rejects when the server does not agree. */
  async setPaused(isPaused: boolean): Promise<void> {
    this.queue.value = await (isPaused ? this.client.queue.pause() : this.client.queue.resume());
  }

  #all(): JobView[] {
    return [...this.jobs.value.values()];
  }

  async #load(signal: AbortSignal): Promise<void> {
    try {
      const [queue, recent] = await Promise.all([
        patiently(() => this.client.queue.status(signal), signal),
        patiently(() => this.client.jobs.list({ limit: recentMost }, signal), signal),
      ]);
      const isAll = recent.next_cursor === null;
      const active = isAll ? [] : [...(await this.#list("running", signal)), ...(await this.#list("queued", signal))];
      this.queue.value = queue;
      this.#isCut.value = active.length >= waitingMost;
      const fetched = [...active, ...recent.items].map(viewOf);
      this.jobs.value = new Map(fetched.map((job) => [job.id, job]));
      this.problem.value = undefined;
      this.#loading = undefined;
      this.#apply(this.#meanwhile);
      this.#meanwhile = [];
    } catch (error) {
      if (!signal.aborted) this.problem.value = error instanceof Error ? error.message : String(error);
    }
  }

  async #list(status: ListJobs["status"] & string, signal: AbortSignal): Promise<Job[]> {
    const jobs: Job[] = [];
    for (let cursor: string | undefined; jobs.length < waitingMost; ) {
      const request = cursor === undefined ? { status, limit: pageJobs } : { status, limit: pageJobs, cursor };
      const page = await patiently(() => this.client.jobs.list(request, signal), signal);
      jobs.push(...page.items);
      if (page.next_cursor === null) break;
      cursor = page.next_cursor;
    }
    return jobs;
  }

  #apply(events: readonly ReceivedEvent[]): void {
    const changed = new Map<string, JobView>();
    for (const event of events) {
      const job = afterEvent((id) => changed.get(id) ?? this.jobs.value.get(id), event);
      if (job) changed.set(job.id, job);
    }
    this.#change([...changed.values()]);
  }

  #change(views: readonly JobView[]): void {
    if (views.length === 0) return;
    const jobs = new Map(this.jobs.value);
    for (const view of views) jobs.set(view.id, view);
    const ended = [...jobs.values()].filter((job) => !isActive(job));
    if (ended.length > recentMost * 2) for (const { id } of ended.sort(byEnd).slice(recentMost)) jobs.delete(id);
    this.jobs.value = jobs;
  }
}

/** As the server gives them out. */
function byTurn(a: JobView, b: JobView): number {
  return b.priority - a.priority || (a.id < b.id ? -1 : 1);
}

function byEnd(a: JobView, b: JobView): number {
  return (a.finishedAt ?? "") > (b.finishedAt ?? "") ? -1 : 1;
}
