import { AsyncLocalStorage } from "node:async_hooks";
import { type Context, ROOT_CONTEXT, SpanKind, SpanStatusCode, type Tracer, trace } from "@opentelemetry/api";
import type { Span, SpanOptions, Tracing } from "../../tracing.ts";
import { spanContextOf, traceparentOf } from "./span-context.ts";

const kinds: Record<SpanOptions["kind"], SpanKind> = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
};

/** Spans by OpenTelemetry's SDK. What is under way is known by the asynchronous context of the runtime. */
export class OtlpTracing implements Tracing {
  readonly #storage = new AsyncLocalStorage<string | undefined>();

  constructor(private readonly tracer: Tracer) {}

  current(): string | undefined {
    return this.#storage.getStore();
  }

  begin(name: string, { kind, parent = this.current(), attributes = {} }: SpanOptions): Span {
    const span = this.tracer.startSpan(name, { kind: kinds[kind], attributes }, contextOf(parent));
    return {
      context: traceparentOf(span.spanContext()),
      rename: (text) => span.updateName(text),
      set: (more) => span.setAttributes(more),
      end(errorType) {
        if (errorType !== undefined) {
          span.setAttribute("error.type", errorType);
          span.setStatus({ code: SpanStatusCode.ERROR });
        }
        span.end();
      },
    };
  }

  within<T>(context: string | undefined, work: () => T): T {
    return this.#storage.run(context, work);
  }
}

export function contextOf(traceparent: string | null | undefined): Context {
  const spanContext = spanContextOf(traceparent);
  return spanContext ? trace.setSpanContext(ROOT_CONTEXT, spanContext) : ROOT_CONTEXT;
}
