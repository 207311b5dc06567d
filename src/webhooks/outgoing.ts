import { contentOf } from "./content.ts";
import type { Outgoing } from "./sending.ts";
import { signatureHeaders } from "./signature.ts";
import type { Target } from "./target.ts";

export interface Message {
  /** The same for every attempt, so that the receiver can drop repeats. */
  deliveryId: string;
  event: string;
  /** The event's JSON text. */
  text: string;
  /** Sent along with this attempt. */
  headers?: Readonly<Record<string, string>>;
}

/** The request that brings one event, signed at `nowMs`. */
export function outgoing(target: Target, message: Message, nowMs: number): Outgoing {
  const { body, headers } = contentOf(message.text, target.format);
  const signed = { id: message.deliveryId, timestamp: Math.floor(nowMs / 1000) };
  return {
    url: target.url,
    body,
    headers: {
      ...target.headers,
      ...message.headers,
      "Content-Type": "application/json",
      "User-Agent": "matric",
      "X-Matric-Event": message.event,
      "X-Matric-Delivery": message.deliveryId,
      ...signatureHeaders(target.secrets(nowMs), signed, body),
      ...headers,
    },
  };
}

/** The headers of a request as they may be shown: without the user's own secrets. */
export function shownHeaders({ headers }: Outgoing, target: Target): Record<string, string> {
  return { ...headers, ...target.shownHeaders };
}
