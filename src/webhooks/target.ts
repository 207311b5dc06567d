import { type Filter, type Matchable, matches, mayHave, withoutFamilies } from "../events/filter.ts";
import type { Format } from "./content.ts";
import { maskHeaders } from "./custom-headers.ts";
import type { SecretRow, WebhookRow } from "./store.ts";

/** Where a webhook's events go, which and how: what its row says, taken apart once. */
export class Target {
  readonly url: URL;
  readonly format: Format;
  /** The user's own headers, and the same as they may be shown. */
  readonly headers: Readonly<Record<string, string>>;
  readonly shownHeaders: Readonly<Record<string, string>>;
  readonly #filter: Filter;

  constructor(
    webhook: Pick<WebhookRow, "url" | "format" | "headers" | "events" | "topics" | "hidden">,
    private readonly secretRows: readonly SecretRow[],
  ) {
    this.url = new URL(webhook.url);
    this.format = webhook.format;
    this.headers = JSON.parse(webhook.headers);
    this.shownHeaders = maskHeaders(this.headers);
    this.#filter = filterOf(webhook);
  }

  /** Whether those who made and changed the webhook may read events of this name. */
  mayHave(event: string): boolean {
    return mayHave(this.#filter.hidden, event);
  }

  /** Whether it asks for this event. */
  wants(event: Matchable): boolean {
    return matches(this.#filter, event);
  }

  /** What signs at this time, the newest first. */
  secrets(nowMs: number): string[] {
    return this.secretRows.filter(({ expires_at }) => expires_at === null || expires_at > nowMs).map(({ secret }) => secret);
  }
}

export function filterOf({ events, topics, hidden }: Pick<WebhookRow, "events" | "topics" | "hidden">): Filter {
  const filter = { events: JSON.parse(events), topics: JSON.parse(topics), noteIds: [], jobIds: [] };
  return withoutFamilies(filter, hidden === "[]" ? undefined : JSON.parse(hidden));
}
