import { usePage } from "../page.ts";
import { Icon } from "../shell/icon.tsx";
import { hrefOf } from "../shell/route.ts";

/** Tells on every view that a receiver does not take its events. */
export function WebhookBanner() {
  const { webhooks } = usePage();
  const [first, ...others] = webhooks.failing.value;
  if (!first) return null;
  return (
    <div class="notice bad banner" role="alert">
      <Icon name="warning" />
      <p>
        {others.length === 0 ? (
          <>
            The webhook to <strong>{hostOf(first.url)}</strong> has failed. Its events are held until it works again.
          </>
        ) : (
          <>
            <strong>{others.length + 1} webhooks</strong> have failed. Their events are held until they work again.
          </>
        )}
      </p>
      <a class="button" href={hrefOf({ view: "webhooks", ...(others.length === 0 ? { webhookId: first.id } : {}) })}>
        Look at it
      </a>
    </div>
  );
}

export function hostOf(url: string): string {
  return URL.parse(url)?.host ?? url;
}
