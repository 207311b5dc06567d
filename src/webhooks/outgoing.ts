import { contentOf, type Format } from "./content.ts";
import type { Outgoing } from "./sending.ts";
import { signatureHeaders } from "./signature.ts";

/** Where a webhook's events go, and how. */
export interface Target {
  url: URL;
  headers: Readonly<Record<string, string>>;
  format: Format;
}

export interface Message {
  /** The same for every attempt, so that the receiver can drop repeats. */
  deliveryId: string;
  event: string;
  /** The event's JSON text. */
  text: string;
}

/** The request that brings one event, signed at `nowMs`. `secrets` begins with the newest. */
export function outgoing(target: Target, secrets: readonly string[], message: Message, nowMs: number): Outgoing {
  const { body, headers } = contentOf(message.text, target.format);
  const signed = { id: message.deliveryId, timestamp: Math.floor(nowMs / 1000) };
  return {
    url: target.url,
    body,
    headers: {
      ...target.headers,
      "Content-Type": "application/json",
      "User-Agent": "matric",
      "X-Matric-Event": message.event,
      "X-Matric-Delivery": message.deliveryId,
      ...signatureHeaders(secrets, signed, body),
      ...headers,
    },
  };
}
