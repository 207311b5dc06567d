import { useEffect, useState } from "preact/hooks";
import type { Delivery, DeliveryDetail, DeliveryStatus, Webhook } from "../../../webhooks/contract.ts";
import { usePage } from "../page.ts";
import { Icon } from "../shell/icon.tsx";
import { useTicking } from "../shell/now.ts";
import { exactly, timeOfDay } from "../shell/time.ts";
import { useAct } from "../shell/use-act.ts";
import { AttemptView } from "./attempt-view.tsx";

const shownMost = 50;
/** No event tells of a delivery: what waits is looked at from time to time, and so is all when something has happened. */
const lookMs = 1500;
/** What an event sets off is planned after it, and later on a busy server: for so long after the last event it is looked for. */
const settleMs = 10_000;

/** What was sent to a webhook, the newest first. */
export function Deliveries({ webhook }: { webhook: Webhook }) {
  const [status, filter] = useState<DeliveryStatus | undefined>(undefined);
  const deliveries = useDeliveries(webhook, status);
  return (
    <section aria-label="Deliveries">
      <div class="deliveries-head">
        <h3>Deliveries</h3>
        <select
          aria-label="Show deliveries"
          value={status ?? ""}
          onChange={({ currentTarget: { value } }) => filter(statuses.find((one) => one === value))}
        >
          <option value="">All</option>
          {statuses.map((one) => (
            <option key={one} value={one}>
              {labels[one]}
            </option>
          ))}
        </select>
      </div>
      {deliveries?.length === 0 && <p class="muted">Nothing was sent yet.</p>}
      <ul class="deliveries">
        {deliveries?.map((delivery) => (
          <DeliveryItem key={delivery.id} delivery={delivery} />
        ))}
      </ul>
    </section>
  );
}

const statuses = ["pending", "delivered", "exhausted"] as const;
const labels: Record<DeliveryStatus, string> = { pending: "Waiting", delivered: "Delivered", exhausted: "Given up" };

function useDeliveries({ id, status_at }: Webhook, status: DeliveryStatus | undefined): readonly Delivery[] | undefined {
  const { client, webhooks } = usePage();
  const [deliveries, setDeliveries] = useState<readonly Delivery[] | undefined>(undefined);
  useEffect(() => {
    const leaving = new AbortController();
    let seen = -1;
    let lastMs = 0;
    let waits = true;
    let isLooking = false;
    const look = async () => {
      if (document.hidden || isLooking) return;
      if (seen !== webhooks.activity.peek()) lastMs = performance.now();
      seen = webhooks.activity.peek();
      if (!waits && performance.now() - lastMs > settleMs) return;
      isLooking = true;
      try {
        const { items } = await client.webhooks.deliveries(id, { status, limit: shownMost }, leaving.signal);
        waits = items.some((one) => one.status === "pending");
        setDeliveries(items);
      } catch {
        // The next look may have more luck.
      }
      isLooking = false;
    };
    void look();
    const timer = setInterval(look, lookMs);
    return () => {
      clearInterval(timer);
      leaving.abort();
    };
  }, [id, status, status_at]);
  return deliveries;
}

function DeliveryItem({ delivery }: { delivery: Delivery }) {
  const { client, webhooks, toasts } = usePage();
  const [detail, setDetail] = useState<DeliveryDetail | undefined>(undefined);
  const [isOpen, setOpen] = useState(false);
  const { id, webhook_id, event, event_id, status, attempts, created_at } = delivery;
  useEffect(() => {
    if (!isOpen) return;
    client.webhooks
      .delivery(webhook_id, id)
      .then(setDetail, (error) => toasts.problem("The delivery could not be loaded", error));
  }, [isOpen, attempts, status]);
  const retry = useAct(async () => {
    try {
      await client.webhooks.retry(webhook_id, id);
      webhooks.activity.value++;
    } catch (error) {
      toasts.problem("The delivery could not be retried", error);
    }
  });
  return (
    <li class="delivery">
      <div class="delivery-line">
        <button type="button" class="plain" aria-expanded={isOpen} onClick={() => setOpen((now) => !now)}>
          <time dateTime={created_at} title={exactly(created_at)}>
            {timeOfDay(created_at)}
          </time>
          <strong>{event}</strong>
        </button>
        <Outcome delivery={delivery} />
        {(status === "exhausted" || delivery.next_attempt_at !== null || isOpen) && (
          <button type="button" class="quiet" aria-label={`Retry ${event} ${event_id}`} onClick={retry}>
            <Icon name="retry" />
            <span>Retry</span>
          </button>
        )}
      </div>
      {isOpen && detail && (
        <div class="attempts">
          {detail.attempt_log.length === 0 && <p class="muted">No attempt yet.</p>}
          {detail.attempt_log.map((attempt) => (
            <AttemptView key={attempt.number} attempt={attempt} />
          ))}
        </div>
      )}
    </li>
  );
}

function Outcome({ delivery: { status, attempts, next_attempt_at, last_status, last_error_code } }: { delivery: Delivery }) {
  useTicking(1000, next_attempt_at !== null);
  const tries = attempts === 1 ? "1 attempt" : `${attempts} attempts`;
  const last = last_error_code === null ? (last_status ?? "") : (last_status ?? last_error_code);
  if (status === "delivered") return <span class="outcome good">{`${last}, ${tries}`}</span>;
  if (status === "exhausted") return <span class="outcome bad">{`given up: ${last}, ${tries}`}</span>;
  if (next_attempt_at === null) return <span class="outcome muted">{attempts === 0 ? "waits" : `held: ${last}, ${tries}`}</span>;
  const seconds = Math.max(0, Math.ceil((Date.parse(next_attempt_at) - Date.now()) / 1000));
  return <span class="outcome warn">{`${attempts === 0 ? "" : `${last}, ${tries}, `}next in ${seconds} s`}</span>;
}
