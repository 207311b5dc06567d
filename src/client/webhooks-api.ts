import {
  CreatedWebhook,
  type CreateWebhook,
  Delivery,
  DeliveryDetail,
  type DeliveryFilter,
  DeliveryPage,
  Replay,
  type ReplayEvents,
  RotatedSecret,
  type RotateSecret,
  TestedWebhook,
  type UpdateWebhook,
  Webhook,
  WebhookPage,
} from "../webhooks/contract.ts";
import type { Api } from "./api.ts";
import { segment } from "./base-url.ts";
import type { PageQuery } from "./paging.ts";

const webhooks = "api/v1/webhooks";
const one = (id: string) => `${webhooks}/${segment(id)}`;
const delivery = (id: string, deliveryId: string) => `${one(id)}/deliveries/${segment(deliveryId)}`;
/** A test waits for its receiver, and that may take 30 s. */
const testTimeoutMs = 40_000;

/** Webhooks, and what was sent to them. */
export class WebhooksApi {
  constructor(private readonly api: Api) {}

  /** The answer holds the secret, which is never told again. */
  create(webhook: CreateWebhook, signal?: AbortSignal): Promise<CreatedWebhook> {
    return this.api.json("POST", webhooks, CreatedWebhook, { body: webhook, signal });
  }

  /** The oldest first. */
  list({ limit, cursor }: PageQuery = {}, signal?: AbortSignal): Promise<WebhookPage> {
    return this.api.json("GET", webhooks, WebhookPage, { query: { limit, cursor }, signal });
  }

  get(id: string, signal?: AbortSignal): Promise<Webhook> {
    return this.api.json("GET", one(id), Webhook, { signal });
  }

  update(id: string, changes: UpdateWebhook, signal?: AbortSignal): Promise<Webhook> {
    return this.api.json("PATCH", one(id), Webhook, { body: changes, signal });
  }

  remove(id: string, signal?: AbortSignal): Promise<void> {
    return this.api.done("DELETE", one(id), { signal });
  }

  /** What was held for it follows. */
  enable(id: string, signal?: AbortSignal): Promise<Webhook> {
    return this.api.json("POST", `${one(id)}/enable`, Webhook, { signal });
  }

  /** Its events are held until it is enabled. */
  disable(id: string, signal?: AbortSignal): Promise<Webhook> {
    return this.api.json("POST", `${one(id)}/disable`, Webhook, { signal });
  }

  /** Sends a test event now, and resolves to what the receiver said. */
  test(id: string, signal?: AbortSignal): Promise<TestedWebhook> {
    return this.api.json("POST", `${one(id)}/test`, TestedWebhook, { signal, timeoutMs: testTimeoutMs });
  }

  /** The answer holds the new secret, which is never told again. */
  rotateSecret(id: string, rotation: RotateSecret = {}, signal?: AbortSignal): Promise<RotatedSecret> {
    return this.api.json("POST", `${one(id)}/rotate-secret`, RotatedSecret, { body: rotation, signal });
  }

  /** The newest first. */
  deliveries(
    id: string,
    { status, limit, cursor }: DeliveryFilter & PageQuery = {},
    signal?: AbortSignal,
  ): Promise<DeliveryPage> {
    return this.api.json("GET", `${one(id)}/deliveries`, DeliveryPage, { query: { status, limit, cursor }, signal });
  }

  /** With all its attempts. */
  delivery(id: string, deliveryId: string, signal?: AbortSignal): Promise<DeliveryDetail> {
    return this.api.json("GET", delivery(id, deliveryId), DeliveryDetail, { signal });
  }

  retry(id: string, deliveryId: string, signal?: AbortSignal): Promise<Delivery> {
    return this.api.json("POST", `${delivery(id, deliveryId)}/retry`, Delivery, { signal });
  }

  /** Sends a span of the log again, or with `dry_run` counts it. */
  replay(id: string, request: ReplayEvents, signal?: AbortSignal): Promise<Replay> {
    return this.api.json("POST", `${one(id)}/replay`, Replay, { body: request, signal });
  }
}
