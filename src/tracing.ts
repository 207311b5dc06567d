/** What is told of a piece of work: by the semantic conventions of OpenTelemetry, and never what people or receivers wrote. */
export type SpanAttributes = Record<string, string | number | boolean>;

export interface SpanOptions {
  kind: "server" | "client" | "producer" | "consumer" | "internal";
  /** `traceparent` (W3C Trace Context) of what caused it; without it the work under way did. */
  parent?: string | null | undefined;
  attributes?: SpanAttributes;
}

/** A piece of work that is being done. */
export interface Span {
  /** Its `traceparent`, to be stored or sent along with whatever goes on with the work. */
  readonly context: string;
  rename(name: string): void;
  set(attributes: SpanAttributes): void;
  /** `errorType` is a code, for work that failed. */
  end(errorType?: string): void;
}

/** Follows work from part to part. What is not traced costs nothing: the parts have no `Tracing` at all then. */
export interface Tracing {
  /** `traceparent` of the work under way. */
  current(): string | undefined;
  begin(name: string, options: SpanOptions): Span;
  /** Runs `work` as part of what `context` names; of nothing, if undefined. */
  within<T>(context: string | undefined, work: () => T): T;
}

/** Of two contexts the nearer one, if it belongs to the same trace as the stored one; else the stored one. */
export function sameTrace(stored: string | null | undefined, current: string | undefined): string | undefined {
  if (!stored) return current;
  return current?.split("-")[1] === stored.split("-")[1] ? current : stored;
}
