import { useState } from "preact/hooks";
import { usePage } from "../page.ts";
import { Icon } from "../shell/icon.tsx";
import { hrefOf } from "../shell/route.ts";
import { AddWebhook } from "./add-webhook.tsx";
import { eventsOf, WebhookDetail } from "./webhook-detail.tsx";
import { WebhookHealth } from "./webhook-health.tsx";

/** Where events are sent to, and how that goes. */
export function WebhooksView({ webhookId }: { webhookId: string | undefined }) {
  const { webhooks } = usePage();
  const [isAdding, setAdding] = useState(false);
  const all = webhooks.webhooks.value;
  const chosen = all?.find(({ id }) => id === webhookId);
  return (
    <div class={`webhooks ${chosen ? "open" : ""}`}>
      <section class="webhook-list scroll" aria-label="Webhooks">
        <div class="panel-head">
          <h2>Webhooks</h2>
          <button type="button" class="primary" onClick={() => setAdding(true)}>
            <Icon name="add" />
            <span>Add</span>
          </button>
        </div>
        {webhooks.problem.value !== undefined && !all && (
          <p class="muted">
            The webhooks could not be loaded. {webhooks.problem.value}
            <button type="button" class="plain" onClick={() => webhooks.refresh()}>
              Try again
            </button>
          </p>
        )}
        {all?.length === 0 && <p class="muted">None yet.</p>}
        <ul>
          {all?.map((webhook) => (
            <li key={webhook.id}>
              <a
                class="webhook-card"
                href={hrefOf({ view: "webhooks", webhookId: webhook.id })}
                aria-current={webhook.id === webhookId ? "page" : undefined}
              >
                <strong class="cut">{webhook.description || webhook.url}</strong>
                {webhook.description && <span class="cut muted">{webhook.url}</span>}
                <span class="cut muted">{eventsOf(webhook)}</span>
                <WebhookHealth webhook={webhook} />
              </a>
            </li>
          ))}
        </ul>
      </section>
      {chosen ? (
        <WebhookDetail key={chosen.id} webhook={chosen} />
      ) : (
        all && <NoWebhook isFirst={all.length === 0} isMissing={webhookId !== undefined} />
      )}
      {isAdding && <AddWebhook onClose={() => setAdding(false)} />}
    </div>
  );
}

function NoWebhook({ isFirst, isMissing }: { isFirst: boolean; isMissing: boolean }) {
  return (
    <section class="blank wide-only" aria-label="Webhook">
      <Icon name="hook" />
      {isFirst ? (
        <>
          <h2>Tell other programs</h2>
          <p>
            A webhook sends events to a URL: signed, in order if you wish, tried again when that fails, and kept while the
            receiver is down.
          </p>
        </>
      ) : (
        <p>{isMissing ? "There is no such webhook." : "Choose a webhook to see what was sent to it."}</p>
      )}
    </section>
  );
}
