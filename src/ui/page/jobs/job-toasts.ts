import type { Client } from "../../../client/client.ts";
import type { ReceivedEvent } from "../../../client/stream-item.ts";
import type { Job } from "../../../jobs/contract.ts";
import type { Arrival, FeedListener } from "../live/feed-listener.ts";
import { patiently } from "../shell/patiently.ts";
import { go } from "../shell/route.ts";
import { duration } from "../shell/time.ts";
import type { Toasts } from "../shell/toasts.ts";

interface JobToastsDeps {
  client: Client;
  toasts: Toasts;
  /** Id of the note in front of the person. */
  openNoteId: () => string | undefined;
  titleOf: (noteId: string) => string;
}

/** Tells how jobs ended that this tab asked for, or that are about the note in front of the person. */
export class JobToasts implements FeedListener {
  readonly #followed = new Set<string>();

  constructor(private readonly deps: JobToastsDeps) {}

  follow(id: string): void {
    this.#followed.add(id);
  }

  arrived(arrivals: readonly Arrival[]): void {
    for (const { event } of arrivals) {
      const completed = event.dataOf("JobCompleted");
      if (completed && this.#concerns(completed)) void this.#completed(completed.job_id, completed.duration_ms);
      const failed = event.dataOf("JobFailed");
      if (failed && this.#concerns(failed)) this.#failed(failed);
      this.#forget(event);
    }
  }

  #concerns({ job_id, note_id }: { job_id: string; note_id?: string }): boolean {
    return this.#followed.has(job_id) || (note_id !== undefined && note_id === this.deps.openNoteId());
  }

  #forget(event: ReceivedEvent): void {
    if (event.name === "JobCancelled") this.#followed.delete(String(event.envelope.data.job_id));
  }

  async #completed(id: string, durationMs: number): Promise<void> {
    const { client, toasts, openNoteId } = this.deps;
    this.#followed.delete(id);
    const job = await patiently(() => client.jobs.get(id)).catch(() => undefined);
    if (!job) return;
    const outcome = outcomeOf(job);
    if (outcome === "kept_aside" && job.note_id === openNoteId()) return;
    const away = job.note_id !== null && job.note_id !== openNoteId() ? job.note_id : undefined;
    toasts.show({
      key: id,
      kind: "success",
      text: this.#sentence(job, outcome, away),
      detail: `in ${duration(durationMs)}`,
      ...(away ? { action: { label: "Open", run: () => go({ view: "notes", noteId: away }) } } : {}),
    });
  }

  #sentence(job: Job, outcome: string | undefined, away: string | undefined): string {
    if (job.type !== "ai_revision") return `Job ${job.type} is done`;
    const what = away ? `“${this.deps.titleOf(away)}”` : "Note";
    if (outcome === "unchanged") return `AI revision found nothing to change${away ? ` in ${what}` : ""}`;
    if (outcome === "kept_aside") return `${what} had changed: the AI’s text is among its versions`;
    return `${what} updated by AI revision`;
  }

  #failed({ job_id, note_id, error }: { job_id: string; note_id?: string; error: string }): void {
    const { client, toasts, openNoteId, titleOf } = this.deps;
    // The open note says it itself.
    if (note_id !== undefined && note_id === openNoteId()) return;
    const retry = () => {
      toasts.dismiss(job_id);
      client.jobs.retry(job_id).catch((cause: unknown) => toasts.problem("The job could not be retried", cause));
    };
    const what = note_id === undefined ? "A job failed" : `The revision of “${titleOf(note_id)}” failed`;
    toasts.show({ key: job_id, kind: "problem", text: what, detail: error, action: { label: "Retry", run: retry } });
  }
}

/** What the built-in job says of how it ended. */
function outcomeOf({ result }: Job): string | undefined {
  const isObject = typeof result === "object" && result !== null && "outcome" in result;
  return isObject && typeof result.outcome === "string" ? result.outcome : undefined;
}
