import { matches, mayHave } from "../events/filter.ts";
import type { EventLog, StoredEvent } from "../events/log.ts";
import type { DeliveryRow, DeliveryStore } from "./delivery-store.ts";
import type { WebhookRow } from "./store.ts";
import { filterOf } from "./target.ts";

const pageEvents = 512;
const pageCharsMax = 256 * 1024;
/** What proxies answer for a receiver that is not there, and receivers that are overrun. */
const absent = new Set([429, 502, 503, 504]);

export interface ProbeChoice {
  deliveries: DeliveryStore;
  log: EventLog;
  /** Makes a delivery of a held event. */
  plan: (event: StoredEvent) => Promise<DeliveryRow | undefined>;
}

/**
 * What a failed webhook is tried with: the delivery that made it fail, which is first in the order of the log. But a receiver
 * that is there and refused just that event would be failed for ever; it is tried with the next one, unless it asked for strict
 * order. Undefined when there is nothing to send.
 */
export async function chooseProbe(webhook: WebhookRow, { deliveries, log, plan }: ProbeChoice): Promise<DeliveryRow | undefined> {
  const id = webhook.failed_delivery_id;
  const known = id === null ? undefined : deliveries.find(id, webhook.id);
  const failed = known && log.get(known.seq) && mayHave(filterOf(webhook).hidden, known.event) ? known : undefined;
  if (failed && (webhook.ordered === 1 || !isRefusal(failed))) return failed;
  const held = deliveries.oldestPending(webhook.id);
  if (held) return held;
  const event = await nextWanted(webhook, log);
  return (event && (await plan(event))) ?? failed;
}

function isRefusal({ last_status }: DeliveryRow): boolean {
  return last_status !== null && !absent.has(last_status);
}

/** The first event after the webhook's cursor that it wants. */
async function nextWanted(webhook: WebhookRow, log: EventLog): Promise<StoredEvent | undefined> {
  const filter = filterOf(webhook);
  for (let position = webhook.cursor_seq; ; ) {
    const page = log.readAfter(position, pageEvents, pageCharsMax);
    const wanted = page.find((event) => matches(filter, event));
    if (wanted || page.length === 0) return wanted;
    position = page.at(-1)?.seq ?? position;
    await new Promise((resume) => setImmediate(resume));
  }
}
