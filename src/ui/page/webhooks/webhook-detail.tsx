import { useState } from "preact/hooks";
import type { Attempt, Webhook } from "../../../webhooks/contract.ts";
import { usePage } from "../page.ts";
import { Icon } from "../shell/icon.tsx";
import { hrefOf, replaceRoute } from "../shell/route.ts";
import { useAct } from "../shell/use-act.ts";
import { AttemptView } from "./attempt-view.tsx";
import { Deliveries } from "./deliveries.tsx";
import { ReplayDialog } from "./replay-dialog.tsx";
import { WebhookHealth } from "./webhook-health.tsx";

/** One webhook: what can be done with it, and what was sent to it. */
export function WebhookDetail({ webhook }: { webhook: Webhook }) {
  const { client, webhooks, toasts } = usePage();
  const [tested, setTested] = useState<Attempt | "waiting" | undefined>(undefined);
  const [isReplaying, setReplaying] = useState(false);
  const attempt = async (failure: string, act: () => Promise<void>) => {
    try {
      await act();
    } catch (error) {
      toasts.problem(failure, error);
    }
  };
  const test = useAct(async () => {
    setTested("waiting");
    await attempt("The test could not be made", async () => setTested((await client.webhooks.test(webhook.id)).attempt));
    setTested((now) => (now === "waiting" ? undefined : now));
  });
  const enable = useAct(() =>
    attempt("The webhook could not be enabled", async () => webhooks.put(await client.webhooks.enable(webhook.id))),
  );
  const disable = useAct(() =>
    attempt("The webhook could not be disabled", async () => webhooks.put(await client.webhooks.disable(webhook.id))),
  );
  const remove = useAct(() =>
    attempt("The webhook could not be removed", async () => {
      if (!confirm(`Remove the webhook to ${webhook.url}? What it has not been sent is forgotten.`)) return;
      await client.webhooks.remove(webhook.id);
      webhooks.remove(webhook.id);
      replaceRoute({ view: "webhooks" });
    }),
  );
  return (
    <section class="webhook-detail scroll" aria-label="Webhook">
      <header class="panel-head">
        <a class="phone-only back" href={hrefOf({ view: "webhooks" })} aria-label="Back to the webhooks">
          <Icon name="back" />
        </a>
        <h2 class="cut">{webhook.description || webhook.url}</h2>
      </header>
      {webhook.description && <p class="address">{webhook.url}</p>}
      <WebhookHealth webhook={webhook} />
      <p class="muted">
        Sends {eventsOf(webhook)}
        {webhook.format === "cloudevents" && " as CloudEvents"}
        {webhook.ordered && ", in order"}
      </p>
      <div class="detail-actions">
        <button type="button" onClick={test} disabled={tested === "waiting"}>
          <Icon name="check" />
          <span>{tested === "waiting" ? "Testing…" : "Test"}</span>
        </button>
        <button type="button" onClick={() => setReplaying(true)}>
          <Icon name="history" />
          <span>Replay</span>
        </button>
        {webhook.status === "active" ? (
          <button type="button" onClick={disable}>
            <Icon name="pause" />
            <span>Disable</span>
          </button>
        ) : (
          <button type="button" class="primary" onClick={enable}>
            <Icon name="play" />
            <span>Enable</span>
          </button>
        )}
        <button type="button" onClick={remove}>
          <Icon name="bin" />
          <span>Remove</span>
        </button>
      </div>
      {tested && tested !== "waiting" && (
        <div class="tested" role="status">
          <p class={tested.error_code === null ? "good" : "bad"}>
            {tested.error_code === null ? "The receiver took the test event." : "The receiver did not take the test event."}
          </p>
          <AttemptView attempt={tested} />
        </div>
      )}
      <Deliveries webhook={webhook} />
      {isReplaying && <ReplayDialog webhook={webhook} onClose={() => setReplaying(false)} />}
    </section>
  );
}

export function eventsOf({ events }: Webhook): string {
  return events.includes("*") ? "every event" : events.join(", ");
}
