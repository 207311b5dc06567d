import type { Cancel, Clock } from "../clock.ts";
import { type Api, unreachable } from "./api.ts";
import { deferred } from "./deferred.ts";
import { ClientError } from "./errors.ts";
import { errorFrom } from "./problem.ts";
import { SseParser } from "./sse-parser.ts";
import { type Connect, openTimeoutMs, type StreamConnection, type StreamFrame } from "./stream-connection.ts";

/** Follows `GET /events` by Server-Sent Events. */
export function sseConnect(api: Api): Connect {
  return async ({ query, cursor, signal, clock }) => {
    const ended = new AbortController();
    const late = new ClientError("timed_out", `${api.base.shown} did not answer within ${openTimeoutMs / 1000} seconds.`);
    const cancel = clock.after(openTimeoutMs, () => ended.abort(late));
    try {
      const response = await api.fetch(api.base.to("api/v1/events", query), {
        headers: { accept: "text/event-stream", ...api.headers, ...(cursor === undefined ? {} : { "last-event-id": cursor }) },
        cache: "no-store",
        signal: AbortSignal.any([signal, ended.signal]),
      });
      if (!response.ok) throw await errorFrom(response, api.base.shown);
      return new SseConnection(bodyOf(response, api), ended, clock, api);
    } catch (error) {
      ended.abort();
      if (signal.aborted || error instanceof ClientError) throw error;
      throw ended.signal.reason === late ? late : unreachable(api.base.shown, error);
    } finally {
      cancel();
    }
  };
}

function bodyOf(response: Response, api: Api): ReadableStream<Uint8Array> {
  const type = response.headers.get("content-type") ?? "";
  if (response.body && response.status === 200 && type.startsWith("text/event-stream")) return response.body;
  throw new ClientError("protocol", `${api.base.shown} did not answer with an event stream. Is it a matric server?`, {
    status: response.status,
  });
}

function silence(api: Api): ClientError {
  return new ClientError("unreachable", `${api.base.shown} has fallen silent.`);
}

class SseConnection implements StreamConnection {
  silenceMs = openTimeoutMs;
  readonly #parser = new SseParser();
  readonly #reader: { read(): Promise<{ done: boolean; value?: Uint8Array | undefined }> };

  constructor(
    body: ReadableStream<Uint8Array>,
    private readonly ended: AbortController,
    private readonly clock: Clock,
    private readonly api: Api,
  ) {
    this.#reader = body.getReader();
  }

  get retryMs(): number | undefined {
    return this.#parser.retryMs;
  }

  async read(): Promise<StreamFrame[] | undefined> {
    for (;;) {
      const chunk = await this.#next();
      if (!chunk) return undefined;
      const frames = this.#parser.push(chunk).map(({ event, data, id }) => ({ name: event, id, text: data }));
      if (frames.length > 0) return frames;
    }
  }

  close(): void {
    this.ended.abort();
  }

  async #next(): Promise<Uint8Array | undefined> {
    const silent = silence(this.api);
    const fellSilent = deferred<never>();
    // Only while waiting for the server: a consumer may take its time.
    const cancel: Cancel = this.clock.after(this.silenceMs, () => fellSilent.reject(silent));
    try {
      const { done, value } = await Promise.race([this.#reader.read(), fellSilent.promise]);
      return done ? undefined : value;
    } catch (error) {
      throw error === silent ? silent : unreachable(this.api.base.shown, error);
    } finally {
      cancel();
    }
  }
}
