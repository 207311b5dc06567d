import type { Cancel, Clock } from "../clock.ts";
import type { Change } from "./backend.ts";

export const eventsUri = "matric://events";
export const queueUri = "matric://queue";
const notePrefix = "matric://notes/";

export function noteUri(id: string): string {
  return `${notePrefix}${id}`;
}

/** The id in the URI of a note; undefined when it is the URI of something else. */
export function noteIdOf(uri: string): string | undefined {
  return uri.startsWith(notePrefix) && /^[\w-]{1,64}$/.test(uri.slice(notePrefix.length))
    ? uri.slice(notePrefix.length)
    : undefined;
}

/** What happens within this time is told as one change per resource: a busy server must not flood an agent. */
const gatherMs = 100;

type Listener = (uri: string) => void;

/** Tells which resources have changed, to those who want to know. Follows the log only while there is somebody. */
export class ResourceChanges {
  readonly #listeners = new Set<Listener>();
  readonly #changed = new Set<string>();
  #unfollow: (() => void) | undefined;
  #cancel: Cancel | undefined;

  constructor(
    private readonly source: { follow(listener: (change: Change) => void): () => void },
    private readonly clock: Clock,
  ) {}

  /** The listener must not throw. The returned function ends it, and can be called twice. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    this.#unfollow ??= this.source.follow((change) => this.#note(change));
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.stop();
    };
  }

  stop(): void {
    this.#listeners.clear();
    this.#unfollow?.();
    this.#unfollow = undefined;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#changed.clear();
  }

  #note(change: Change): void {
    for (const uri of changedBy(change)) this.#changed.add(uri);
    this.#cancel ??= this.clock.after(gatherMs, () => this.#tell());
  }

  #tell(): void {
    this.#cancel = undefined;
    const uris = [...this.#changed];
    this.#changed.clear();
    for (const uri of uris) for (const listener of this.#listeners) listener(uri);
  }
}

function changedBy({ event, noteId }: Change): string[] {
  const uris = [eventsUri];
  if (noteId !== null && event.startsWith("Note")) uris.push(noteUri(noteId));
  if (/^(Job|Queue)/.test(event) && event !== "JobProgress") uris.push(queueUri);
  return uris;
}
