import { mayHave } from "../events/filter.ts";
import type { Format } from "./content.ts";
import { maskHeaders } from "./custom-headers.ts";
import type { SecretRow, WebhookRow } from "./store.ts";

/** Where a webhook's events go and how: what its row says, taken apart once. */
export class Target {
  readonly url: URL;
  readonly format: Format;
  /** The user's own headers, and the same as they may be shown. */
  readonly headers: Readonly<Record<string, string>>;
  readonly shownHeaders: Readonly<Record<string, string>>;
  readonly #hidden;

  constructor(
    { url, format, headers, hidden }: Pick<WebhookRow, "url" | "format" | "headers" | "hidden">,
    private readonly secretRows: readonly SecretRow[],
  ) {
    this.url = new URL(url);
    this.format = format;
    this.headers = JSON.parse(headers);
    this.shownHeaders = maskHeaders(this.headers);
    this.#hidden = JSON.parse(hidden);
  }

  /** Whether those who made and changed the webhook may read events of this name. */
  mayHave(event: string): boolean {
    return mayHave(this.#hidden, event);
  }

  /** What signs at this time, the newest first. */
  secrets(nowMs: number): string[] {
    return this.secretRows.filter(({ expires_at }) => expires_at === null || expires_at > nowMs).map(({ secret }) => secret);
  }
}
