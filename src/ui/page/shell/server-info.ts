import { signal } from "@preact/signals";
import type { Client } from "../../../client/client.ts";
import type { Health } from "../../../health.ts";
import type { FeedListener } from "../live/feed-listener.ts";
import { patiently } from "./patiently.ts";

/** What the page knows of the server itself. */
export class ServerInfo implements FeedListener {
  readonly health = signal<Health | undefined>(undefined);

  constructor(private readonly client: Client) {}

  refresh(): void {
    void this.#load();
  }

  /** It may have been started anew, with another model. */
  resumed(): void {
    void this.#load();
  }

  async #load(): Promise<void> {
    try {
      this.health.value = await patiently(() => this.client.server.health());
    } catch {
      // What was known stays; the state of the connection is shown anyway.
    }
  }
}
