import type { Clock } from "../clock.ts";
import type { Span, Tracing } from "../tracing.ts";
import type { WorkMetrics } from "./metrics/work-metrics.ts";

/** A request whose answer is not there yet. */
interface Watched {
  route: string | undefined;
  startMs: number;
  span: Span | undefined;
}

/** Measures requests, and follows them where traces are wanted. */
export class RequestWatch {
  readonly #watched = new WeakMap<Request, Watched>();

  constructor(
    private readonly metrics: WorkMetrics,
    private readonly clock: Clock,
    private readonly tracing: Tracing | undefined,
  ) {}

  /** The request has been found to be for this route (its pattern). */
  route(request: Request, route: string): void {
    const watched = this.#watched.get(request);
    if (watched) watched.route = route;
  }

  /** Runs what answers the request. */
  follow<Answer>(request: Request, answer: () => Answer): Answer {
    const span = this.tracing && this.#begin(request, this.tracing);
    const watched: Watched = { route: undefined, startMs: this.clock.monotonicMs(), span };
    this.#watched.set(request, watched);
    const given = span && this.tracing ? this.tracing.within(span.context, answer) : answer();
    if (given instanceof Promise) {
      given.then(
        (response) => this.#end(request, watched, response),
        () => this.#end(request, watched, undefined, 500),
      );
    } else this.#end(request, watched, given);
    return given;
  }

  #begin(request: Request, tracing: Tracing): Span {
    const { method } = request;
    const attributes = { "http.request.method": method, "url.scheme": request.url.slice(0, request.url.indexOf(":")) };
    return tracing.begin(method, { kind: "server", parent: request.headers.get("traceparent") ?? "", attributes });
  }

  /** No answer at all: the connection became a WebSocket. */
  #end(request: Request, { route, startMs, span }: Watched, response: unknown, none = 101): void {
    const status = response instanceof Response ? response.status : none;
    const { method } = request;
    this.metrics.request(method, route, status, this.clock.monotonicMs() - startMs);
    if (!span) return;
    if (route !== undefined) {
      span.rename(`${method} ${route}`);
      span.set({ "http.route": route });
    }
    span.set({ "http.response.status_code": status });
    span.end(status >= 500 ? String(status) : undefined);
  }
}
