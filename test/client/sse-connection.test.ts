import { afterEach, describe, expect, test } from "bun:test";
import { Api } from "../../src/client/api.ts";
import { ClientError } from "../../src/client/errors.ts";
import { sseConnect } from "../../src/client/sse-connection.ts";
import type { ConnectRequest } from "../../src/client/stream-connection.ts";
import { ManualClock } from "../support/manual-clock.ts";

const servers: Bun.Server<unknown>[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop(true))));

function serve(answer: (request: Request) => Response | Promise<Response>): Api {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", idleTimeout: 0, fetch: answer });
  servers.push(server);
  return new Api({ url: server.url.href, token: "mtr_x" });
}

const request = (more: Partial<ConnectRequest> = {}): ConnectRequest => ({
  query: { events: "Job*" },
  cursor: undefined,
  signal: new AbortController().signal,
  clock: new ManualClock(),
  ...more,
});

const stream = (body: string | ReadableStream) =>
  new Response(body, { headers: { "content-type": "text/event-stream; charset=utf-8" } });
const endless = (first = ":\n\n") =>
  stream(new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode(first)) }));
const errorOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe("a connection by SSE", () => {
  test("sends filter, token and cursor", async () => {
    const seen = Promise.withResolvers<Request>();
    const api = serve((incoming) => {
      seen.resolve(incoming);
      return endless();
    });
    (await sseConnect(api)(request({ cursor: "5-abc" }))).close();
    const { url, headers } = await seen.promise;
    expect(new URL(url).pathname + new URL(url).search).toBe("/api/v1/events?events=Job*");
    expect(headers.get("accept")).toBe("text/event-stream");
    expect(headers.get("last-event-id")).toBe("5-abc");
    expect(headers.get("authorization")).toBe("Bearer mtr_x");
  });

  test("reads frames, then the end", async () => {
    const connection = await sseConnect(
      serve(() => stream("retry: 1234\n\nevent: A\nid: 1-x\ndata: {}\n\n: beat\n\nevent: B\ndata: []\n\n")),
    )(request());
    expect(await connection.read()).toEqual([
      { name: "A", id: "1-x", text: "{}" },
      { name: "B", id: undefined, text: "[]" },
    ]);
    expect(await connection.read()).toBeUndefined();
    expect(connection.retryMs).toBe(1234);
  });

  test("tells what the server refuses", async () => {
    const api = serve(() =>
      Response.json({ code: "invalid", detail: "Did you mean NoteUpdated?", field: "events" }, { status: 422 }),
    );
    expect(await errorOf(sseConnect(api)(request()))).toMatchObject({
      code: "invalid",
      message: "Did you mean NoteUpdated?",
      status: 422,
    });
  });

  test("is not content with a page", async () => {
    expect(await errorOf(sseConnect(serve(() => new Response("<html>")))(request()))).toMatchObject({ code: "protocol" });
  });

  test("is unreachable where nobody listens", async () => {
    const server = Bun.serve({ port: 0, fetch: () => new Response() });
    const { href } = server.url;
    await server.stop(true);
    expect(await errorOf(sseConnect(new Api({ url: href }))(request()))).toMatchObject({ code: "unreachable" });
  });

  test("breaks when the server dies", async () => {
    const api = serve(() => endless("event: A\ndata: {}\n\n"));
    const connection = await sseConnect(api)(request());
    await connection.read();
    const next = errorOf(connection.read());
    await servers[0]?.stop(true);
    // Depending on how the connection ends this is a break or an end; both lead to the next attempt.
    expect([undefined, "unreachable"]).toContain(((await next) as ClientError | undefined)?.code);
  });

  test("breaks when the server falls silent, counted only while somebody waits for it", async () => {
    const clock = new ManualClock();
    const connection = await sseConnect(serve(() => endless("event: A\ndata: {}\n\n")))(request({ clock }));
    connection.silenceMs = 45_000;
    await connection.read();
    await clock.advance(3_600_000);
    const next = errorOf(connection.read());
    await clock.advance(45_000);
    expect(await next).toMatchObject({ code: "unreachable", message: expect.stringContaining("has fallen silent") });
    connection.close();
  });

  test("gives up on a server that accepts and never answers", async () => {
    const clock = new ManualClock();
    const arrived = Promise.withResolvers<void>();
    const api = serve(() => {
      arrived.resolve();
      return new Promise<Response>(() => {});
    });
    const failed = errorOf(sseConnect(api)(request({ clock })));
    await arrived.promise;
    await clock.advance(10_000);
    expect(await failed).toMatchObject({
      code: "timed_out",
      message: expect.stringContaining("did not answer within 10 seconds"),
    });
  });

  test("an abort ends a pending read and frees the server", async () => {
    const stop = new AbortController();
    const gone = Promise.withResolvers<void>();
    const api = serve((incoming) => {
      incoming.signal.addEventListener("abort", () => gone.resolve());
      return endless("event: A\ndata: {}\n\n");
    });
    const connection = await sseConnect(api)(request({ signal: stop.signal }));
    await connection.read();
    const next = errorOf(connection.read());
    stop.abort();
    expect(await next).toBeInstanceOf(ClientError);
    await gone.promise;
  });
});
