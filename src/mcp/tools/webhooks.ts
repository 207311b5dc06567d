import { type Static, Type } from "@sinclair/typebox";
import { Delivery, DeliveryFilter, Webhook } from "../../webhooks/contract.ts";
import { defineTool, reads } from "../tool.ts";

const listedMax = 100;
const listedDefault = 20;

const strict = { additionalProperties: false };
const WebhookId = Type.String({ maxLength: 64, description: "Id of the webhook" });
const NextCursor = Type.Union([Type.String(), Type.Null()], { description: "Null on the last page" });
const page = {
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: listedMax, description: `At most so many (default ${listedDefault})` }),
  ),
  cursor: Type.Optional(Type.String({ maxLength: 500, description: "next_cursor of the page before" })),
};

/** How a webhook is, without what an agent has no use for: headers and queries of URLs are where people keep secrets. */
const WebhookView = Type.Pick(Webhook, [
  "id",
  "url",
  "events",
  "description",
  "status",
  "reason",
  "status_at",
  "next_probe_at",
  "failed_delivery_id",
  "pending",
  "lag",
]);

function viewOf(webhook: Webhook): Static<typeof WebhookView> {
  const { id, url, events, description, status, reason, status_at, next_probe_at, failed_delivery_id, pending, lag } = webhook;
  const shown = url.replace(/\?.*$/, "?…");
  return { id, url: shown, events, description, status, reason, status_at, next_probe_at, failed_delivery_id, pending, lag };
}

export const webhookTools = [
  defineTool({
    name: "list_webhooks",
    title: "List webhooks",
    description:
      "Lists the URLs that events are sent to, and whether they work: one that is failed or disabled gets nothing, its events are held.",
    input: Type.Object(page, strict),
    output: Type.Object({ webhooks: Type.Array(WebhookView), next_cursor: NextCursor }),
    annotations: reads,
    async run({ limit = listedDefault, cursor }, backend, caller) {
      const { items, next_cursor } = await backend.listWebhooks({ limit, cursor }, caller);
      const webhooks = items.map(viewOf);
      return { webhooks, next_cursor };
    },
  }),
  defineTool({
    name: "list_deliveries",
    title: "List deliveries",
    description: "Lists what was or will be sent to a webhook, the newest first, with how often it was tried and why it failed.",
    input: Type.Object({ webhook_id: WebhookId, ...DeliveryFilter.properties, ...page }, strict),
    output: Type.Object({ deliveries: Type.Array(Delivery), next_cursor: NextCursor }),
    annotations: reads,
    async run({ webhook_id, limit = listedDefault, ...query }, backend, caller) {
      const { items, next_cursor } = await backend.listDeliveries(webhook_id, { limit, ...query }, caller);
      return { deliveries: items, next_cursor };
    },
  }),
  defineTool({
    name: "retry_delivery",
    title: "Retry a delivery",
    description:
      "Sends a delivery once more, now. To a failed webhook it is the try that shows whether it works again. What becomes of it is seen in list_deliveries.",
    input: Type.Object(
      { webhook_id: WebhookId, delivery_id: Type.String({ maxLength: 80, description: "Id of the delivery" }) },
      strict,
    ),
    output: Delivery,
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
    run: ({ webhook_id, delivery_id }, backend, caller) => backend.retryDelivery(webhook_id, delivery_id, caller),
  }),
];
