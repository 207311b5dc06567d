import type { SpanContext } from "@opentelemetry/api";

const traceparent = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** Reads a `traceparent` (W3C Trace Context); undefined when it is none. */
export function spanContextOf(text: string | null | undefined): SpanContext | undefined {
  const match = traceparent.exec(text ?? "");
  const [, traceId = "", spanId = "", flags = ""] = match ?? [];
  if (!match || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
}

export function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-0${traceFlags & 1}`;
}
