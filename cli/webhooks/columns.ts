import type { Delivery, Webhook } from "../../src/webhooks/contract.ts";
import type { Colour } from "../paint.ts";
import type { Column } from "../table.ts";
import { ago } from "../when.ts";

const webhookColours: Record<Webhook["status"], Colour> = { active: "green", failed: "red", disabled: "dim" };
const deliveryColours: Record<Delivery["status"], Colour> = { pending: "yellow", delivered: "green", exhausted: "red" };

/** How webhooks are listed. */
export const webhookColumns: Column<Webhook>[] = [
  { header: "id", text: ({ id }) => id },
  { header: "status", text: ({ status }) => status, colour: ({ status }) => webhookColours[status] },
  { header: "reason", text: ({ reason }) => reason ?? "", gives: 2 },
  { header: "pending", text: ({ pending }) => String(pending), gives: 3 },
  { header: "behind", text: ({ lag }) => String(lag), gives: 1 },
  { header: "events", text: ({ events }) => events.join(","), gives: 4 },
  { header: "url", text: ({ url }) => url, shrinks: true },
];

/** How deliveries are listed. */
export const deliveryColumns: Column<Delivery>[] = [
  { header: "id", text: ({ id }) => id },
  { header: "event", text: ({ event }) => event },
  { header: "status", text: ({ status }) => status, colour: ({ status }) => deliveryColours[status] },
  { header: "attempts", text: ({ attempts }) => String(attempts), gives: 3 },
  {
    header: "answer",
    text: ({ last_status, last_error_code }) => [last_status, last_error_code].filter((one) => one !== null).join(" "),
  },
  { header: "next", text: ({ next_attempt_at }) => next_attempt_at ?? "", gives: 2 },
  { header: "created", text: ({ created_at }) => ago(created_at), plain: ({ created_at }) => created_at, gives: 1 },
];
