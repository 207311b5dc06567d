import { computed, signal } from "@preact/signals";
import type { Client } from "../../../client/client.ts";
import type { Webhook } from "../../../webhooks/contract.ts";
import type { Arrival, FeedListener } from "../live/feed-listener.ts";
import { Paced } from "../live/paced.ts";
import { patiently } from "../shell/patiently.ts";

const refreshMs = 1000;
const webhooksMost = 500;

/** All webhooks and how they are. */
export class WebhookBoard implements FeedListener {
  readonly webhooks = signal<readonly Webhook[] | undefined>(undefined);
  /** Why the webhooks could not be loaded. */
  readonly problem = signal<string | undefined>(undefined);
  readonly failing = computed(() => (this.webhooks.value ?? []).filter(({ status }) => status === "failed"));
  /** Grows whenever something happened that can have changed what was sent. */
  readonly activity = signal(0);
  readonly #refreshing = new Paced(refreshMs, () => this.#load());

  constructor(private readonly client: Client) {}

  refresh(): void {
    this.#refreshing.want();
  }

  resumed(): void {
    this.#refreshing.want();
  }

  arrived(arrivals: readonly Arrival[]): void {
    const events = arrivals.filter(({ event }) => event.kind === "event");
    if (events.length > 0) this.activity.value++;
    if (events.some(({ event }) => event.name.startsWith("Webhook"))) this.#refreshing.want();
  }

  put(webhook: Webhook): void {
    const others = this.webhooks.value ?? [];
    const isKnown = others.some(({ id }) => id === webhook.id);
    this.webhooks.value = isKnown ? others.map((one) => (one.id === webhook.id ? webhook : one)) : [...others, webhook];
  }

  remove(id: string): void {
    this.webhooks.value = this.webhooks.value?.filter((one) => one.id !== id);
  }

  async #load(): Promise<void> {
    try {
      this.webhooks.value = (await patiently(() => this.client.webhooks.list({ limit: webhooksMost }))).items;
      this.problem.value = undefined;
    } catch (error) {
      this.problem.value = error instanceof Error ? error.message : String(error);
    }
  }
}
