import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { DeliveryRow } from "./delivery-store.ts";
import type { WebhookRow } from "./store.ts";

const timeoutMs = 10_000;
/** Before the second and the third try. */
const retryMs = [2000, 30_000];

export interface AdminNoticeOptions {
  clock: Clock;
  logger: Logger;
  fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Where the administrator is told besides the log, if anywhere. */
  url: string | undefined;
}

/** Tells the administrator that a webhook has failed: at error level in the log, and by a JSON post. */
export class AdminNotice {
  constructor(private readonly options: AdminNoticeOptions) {}

  webhookFailed(webhook: WebhookRow, delivery: DeliveryRow): void {
    const { logger, url } = this.options;
    logger.error("webhook failed", {
      webhook_id: webhook.id,
      delivery_id: delivery.id,
      event_id: delivery.event_id,
      attempts: delivery.attempts,
      last_status: delivery.last_status,
      "error.code": delivery.last_error_code,
    });
    if (url !== undefined) this.#post(url, noticeOf(webhook, delivery), 0);
  }

  async #post(url: string, notice: Record<string, unknown>, tries: number): Promise<void> {
    const { clock, logger, fetch } = this.options;
    const expired = new AbortController();
    const cancel = clock.after(timeoutMs, () => expired.abort());
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ ...notice, ...topicOf(url) }),
        signal: expired.signal,
      });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`it answered ${response.status}`);
    } catch (error) {
      const delayMs = retryMs[tries];
      if (delayMs !== undefined) clock.after(delayMs, () => this.#post(url, notice, tries + 1));
      else
        logger.error("the administrator could not be notified", {
          error: messageOf(error),
        });
    } finally {
      cancel();
    }
  }
}

/** `text` is what Slack and its kin show, `title` and `message` what ntfy does. */
function noticeOf(webhook: WebhookRow, delivery: DeliveryRow): Record<string, unknown> {
  const name = webhook.description === "" ? new URL(webhook.url).host : webhook.description;
  const why = delivery.last_status === null ? delivery.last_error_code : `HTTP status ${delivery.last_status}`;
  const title = `Webhook failed: ${name}`;
  const message = `${delivery.event} (${delivery.event_id}) was not taken in ${delivery.attempts} attempts; the last one ended with ${why}. Events are held until it works again. Webhook ${webhook.id}, delivery ${delivery.id}.`;
  return {
    text: `${title}\n${message}`,
    title,
    message,
    event: "WebhookFailed",
    webhook_id: webhook.id,
    delivery_id: delivery.id,
    failed_event_id: delivery.event_id,
  };
}

/** ntfy takes JSON at its root only, with the topic inside: `https://ntfy.example/?topic=ops`. */
function topicOf(url: string): Record<string, string> {
  const topic = URL.parse(url)?.searchParams.get("topic");
  return topic ? { topic } : {};
}
