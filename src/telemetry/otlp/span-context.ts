import type { SpanContext } from "@opentelemetry/api";

const traceparent = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Reads a `traceparent` (W3C Trace Context, section 3.2) of this or a later version; undefined when it is none. */
export function spanContextOf(text: string | null | undefined): SpanContext | undefined {
  const match = traceparent.exec(text ?? "");
  const [, version, traceId = "", spanId = "", flags = "", more] = match ?? [];
  // Only later versions may go on after the flags, and none is called ff.
  if (!match || version === "ff" || (version === "00" && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
}

export function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-0${traceFlags & 1}`;
}
