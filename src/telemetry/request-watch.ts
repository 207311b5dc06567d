import type { Clock } from "../clock.ts";
import type { Span, Tracing } from "../tracing.ts";
import type { WorkMetrics } from "./metrics/work-metrics.ts";

/** Names of methods that are told; a client may send any other. */
const methods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "QUERY"]);

/** A request whose answer is not there yet. */
interface Watched {
  route: string | undefined;
  isSocket: boolean;
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

  /** The connection has become a WebSocket, and its answer is none. */
  upgraded(request: Request): void {
    const watched = this.#watched.get(request);
    if (watched) watched.isSocket = true;
  }

  /** Runs what answers the request. */
  follow<Answer>(request: Request, answer: (request: Request) => Answer): Answer {
    const watched: Watched = { route: undefined, isSocket: false, startMs: this.clock.monotonicMs(), span: undefined };
    this.#watched.set(request, watched);
    const given = this.tracing ? this.#trace(request, watched, this.tracing, answer) : answer(request);
    if (given instanceof Promise) this.#await(request, watched, given);
    else this.#end(request, watched, given);
    return given;
  }

  #trace<Answer>(request: Request, watched: Watched, tracing: Tracing, answer: (request: Request) => Answer): Answer {
    const span = this.#begin(request, tracing);
    watched.span = span;
    return tracing.within(span.context, () => answer(request));
  }

  /** Apart from `follow`, which would keep for a closure what it holds of every request, answered at once or not. */
  #await(request: Request, watched: Watched, given: Promise<unknown>): void {
    const end = (response: unknown) => this.#end(request, watched, response);
    given.then(end, end);
  }

  #begin(request: Request, tracing: Tracing): Span {
    const method = methods.has(request.method) ? request.method : "_OTHER";
    const attributes = { "http.request.method": method, "url.scheme": request.url.slice(0, request.url.indexOf(":")) };
    const name = method === "_OTHER" ? "HTTP" : method;
    return tracing.begin(name, { kind: "server", parent: request.headers.get("traceparent") ?? "", attributes });
  }

  #end(request: Request, { route, isSocket, startMs, span }: Watched, response: unknown): void {
    const status = isSocket ? 101 : response instanceof Response ? response.status : 500;
    const { method } = request;
    this.metrics.request(method, route ?? "none", status, this.clock.monotonicMs() - startMs);
    if (!span) return;
    if (route !== undefined) {
      span.rename(`${method} ${route}`);
      span.set({ "http.route": route });
    }
    span.set({ "http.response.status_code": status });
    span.end(status >= 500 ? String(status) : undefined);
  }
}
