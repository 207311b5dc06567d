import { Type } from "@sinclair/typebox";
import {
  CreatedWebhook,
  CreateWebhook,
  Delivery,
  DeliveryDetail,
  DeliveryFilter,
  DeliveryPage,
  Replay,
  ReplayEvents,
  RotatedSecret,
  RotateSecret,
  TestedWebhook,
  UpdateWebhook,
  Webhook,
  WebhookPage,
} from "../webhooks/contract.ts";
import { actorOf } from "./actor.ts";
import { emptyAnswer } from "./empty.ts";
import { patiently } from "./idle.ts";
import { jsonText } from "./json.ts";
import { json, operation } from "./operation.ts";
import { pageItemsDefault, pageQuery } from "./page-query.ts";
import { plugin } from "./plugin.ts";
import { queryReader } from "./read-query.ts";
import type { Services } from "./services.ts";

const tag = "webhooks";
const path = { id: "Id of the webhook" };
const deliveryPath = { ...path, delivery_id: "Id of the delivery" };
const located = { Location: "Where it can be read from now on" };

/** Webhooks, and what was sent to them. */
export function webhookRoutes({ webhooks, gate, config }: Services) {
  const ListWebhooks = Type.Object(pageQuery(config.pageItemsMax));
  const ListDeliveries = Type.Object({ ...DeliveryFilter.properties, ...ListWebhooks.properties });
  const readList = queryReader(ListWebhooks);
  const readDeliveries = queryReader(ListDeliveries);
  return plugin("webhooks")
    .post(
      "/webhooks",
      async ({ request, body }) => {
        const created = await webhooks.create(body, gate.callerOf(request));
        return answer(created, 201, { location: `/api/v1/webhooks/${created.id}` });
      },
      {
        body: CreateWebhook,
        detail: operation({
          id: "createWebhook",
          tag,
          summary: "Register a webhook",
          description:
            "It is sent what happens from now on, at least once. Without `secret` one is made; it is shown in this answer and never again. Addresses that are not public are refused unless `MATRIC_WEBHOOK_ALLOW` names them.",
          answers: { 201: json("The new webhook with its secret", CreatedWebhook, located) },
          errors: ["rate_limited"],
        }),
      },
    )
    .get(
      "/webhooks",
      ({ request }) => {
        const { limit = pageItemsDefault, cursor } = readList(request);
        return answer(webhooks.list({ limit, cursor }));
      },
      {
        detail: operation({
          id: "listWebhooks",
          tag,
          summary: "List webhooks",
          description: "The oldest first.",
          query: ListWebhooks,
          answers: { 200: json("One page", WebhookPage) },
        }),
      },
    )
    .get("/webhooks/:id", ({ params }) => answer(webhooks.get(params.id)), {
      detail: operation({
        id: "getWebhook",
        tag,
        summary: "Read a webhook",
        path,
        answers: { 200: json("The webhook, without its secret", Webhook) },
        errors: ["not_found"],
      }),
    })
    .patch(
      "/webhooks/:id",
      async ({ request, params, body }) => answer(await webhooks.update(params.id, body, gate.callerOf(request))),
      {
        body: UpdateWebhook,
        detail: operation({
          id: "updateWebhook",
          tag,
          summary: "Change a webhook",
          description: "What is left out stays as it is. What was not taken yet is sent as the webhook is from now on.",
          path,
          answers: { 200: json("The webhook as it is now", Webhook) },
          errors: ["not_found"],
        }),
      },
    )
    .delete(
      "/webhooks/:id",
      async ({ params }) => {
        await webhooks.remove(params.id);
        return emptyAnswer(204);
      },
      {
        detail: operation({
          id: "deleteWebhook",
          tag,
          summary: "Remove a webhook",
          description: "What it has not been sent is forgotten.",
          path,
          answers: { 204: { description: "The webhook is removed" } },
          errors: ["not_found"],
        }),
      },
    )
    .post(
      "/webhooks/:id/enable",
      async ({ request, params }) => answer(await webhooks.enable(params.id, actorOf(request), gate.callerOf(request))),
      {
        detail: operation({
          id: "enableWebhook",
          tag,
          summary: "Make a failed or disabled webhook active",
          description: "The events that were held for it follow.",
          path,
          answers: { 200: json("The webhook as it is now", Webhook) },
          errors: ["not_found"],
        }),
      },
    )
    .post("/webhooks/:id/disable", async ({ request, params }) => answer(await webhooks.disable(params.id, actorOf(request))), {
      detail: operation({
        id: "disableWebhook",
        tag,
        summary: "Send nothing to a webhook until it is enabled",
        description: "Events are held in the log, for as long as that keeps them.",
        path,
        answers: { 200: json("The webhook as it is now", Webhook) },
        errors: ["not_found"],
      }),
    })
    .post(
      "/webhooks/:id/test",
      async ({ request, server, params }) => {
        // The receiver takes its time.
        const test = () => webhooks.deliveries.test(params.id, actorOf(request));
        return answer(await patiently(server, request, test));
      },
      {
        detail: operation({
          id: "testWebhook",
          tag,
          summary: "Send a `WebhookTest` now and see what the receiver says",
          description: "It is made once, whatever the webhook's status, and is not in the log nor among the deliveries.",
          path,
          answers: { 200: json("What came of it", TestedWebhook) },
          errors: ["not_found"],
        }),
      },
    )
    .post("/webhooks/:id/rotate-secret", async ({ params, body }) => answer(await webhooks.rotateSecret(params.id, body)), {
      body: RotateSecret,
      detail: operation({
        id: "rotateWebhookSecret",
        tag,
        summary: "Sign with a new secret",
        description:
          "For `overlap_seconds` requests bear a `webhook-signature` by each secret; `X-Matric-Signature` is by the new one at once.",
        path,
        answers: { 200: json("The new secret", RotatedSecret) },
        errors: ["not_found"],
      }),
    })
    .get(
      "/webhooks/:id/deliveries",
      ({ request, params }) => {
        const { limit = pageItemsDefault, ...query } = readDeliveries(request);
        return answer(webhooks.deliveries.list(params.id, { limit, ...query }));
      },
      {
        detail: operation({
          id: "listDeliveries",
          tag,
          summary: "List what was sent to a webhook",
          description: "The newest first.",
          path,
          query: ListDeliveries,
          answers: { 200: json("One page", DeliveryPage) },
          errors: ["not_found"],
        }),
      },
    )
    .get(
      "/webhooks/:id/deliveries/:delivery_id",
      ({ params }) => answer(webhooks.deliveries.get(params.id, params.delivery_id)),
      {
        detail: operation({
          id: "getDelivery",
          tag,
          summary: "Read a delivery with all its attempts",
          path: deliveryPath,
          answers: { 200: json("The delivery", DeliveryDetail) },
          errors: ["not_found"],
        }),
      },
    )
    .post(
      "/webhooks/:id/deliveries/:delivery_id/retry",
      async ({ params }) => answer(await webhooks.deliveries.retry(params.id, params.delivery_id), 202),
      {
        detail: operation({
          id: "retryDelivery",
          tag,
          summary: "Send a delivery once more, now",
          description: "To a failed webhook it is the try that shows whether it works again.",
          path: deliveryPath,
          answers: { 202: json("The delivery", Delivery) },
          errors: ["not_found", "conflict"],
        }),
      },
    )
    .post("/webhooks/:id/replay", async ({ params, body }) => answer(await webhooks.deliveries.replay(params.id, body), 202), {
      body: ReplayEvents,
      detail: operation({
        id: "replayEvents",
        tag,
        summary: "Send a span of the log again",
        description:
          "Each event becomes a new delivery, with a `webhook-id` of its own; with `only_failed` what was given up is sent again as it was.",
        path,
        answers: { 202: json("How much is sent, or with `dry_run` would be", Replay) },
        errors: ["not_found", "conflict"],
      }),
    });
}

function answer(value: object, status = 200, headers?: Record<string, string>): Response {
  return jsonText(JSON.stringify(value), status, headers);
}
