import type { Webhook } from "../../../webhooks/contract.ts";
import { nowMs } from "../shell/now.ts";
import { ago, timeOfDay } from "../shell/time.ts";

const reasons = {
  exhausted: "all retries were in vain",
  gone: "its receiver said 410 Gone",
  requested: "on request",
  revoked: "the token that registered it was revoked",
};

/** How a webhook is, in a word and a sentence. */
export function WebhookHealth({ webhook: { status, reason, status_at, next_probe_at, pending } }: { webhook: Webhook }) {
  const since = ago(status_at, nowMs.value);
  const why = reason === null ? "" : `, ${reasons[reason]}`;
  return (
    <p class={`health ${status}`}>
      <span class="badge">{status === "active" ? "works" : status}</span>
      <span class="muted">
        {status !== "active" && `${since}${why}`}
        {status === "failed" && next_probe_at && `; tried again at ${timeOfDay(next_probe_at).slice(0, 5)}`}
        {status === "active" &&
          (pending === 0 ? "Nothing waits" : `${pending} ${pending === 1 ? "delivery" : "deliveries"} under way`)}
        {status !== "active" && pending > 0 && `; ${pending} held`}
      </span>
    </p>
  );
}
