import { describe, expect, test } from "bun:test";
import { Type } from "@sinclair/typebox";
import { Api, type Fetch } from "../../src/client/api.ts";
import { ClientError } from "../../src/client/errors.ts";
import { ManualClock } from "../support/manual-clock.ts";

const Answer = Type.Object({ ok: Type.Boolean() });

const apiThat = (fetch: Fetch, clock = new ManualClock()) =>
  new Api({ url: "http://example.org/p", token: "mtr_x", fetch, clock });
const answers = (body: string, status = 200, headers: Record<string, string> = {}) =>
  apiThat(async () => new Response(body, { status, headers }));

async function failure(call: Promise<unknown>): Promise<ClientError> {
  const error = await call.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (error instanceof ClientError) return error;
  throw new Error(`expected a ClientError, not ${error}`);
}

describe("a call", () => {
  test("sends token, query and JSON", async () => {
    const sent: Request[] = [];
    const api = apiThat(async (url, init) => {
      sent.push(new Request(url.href, init));
      return Response.json({ ok: true });
    });
    expect(await api.json("POST", "api/v1/x", Answer, { query: { q: "ä" }, body: { a: 1 } })).toEqual({ ok: true });
    const [request] = sent;
    expect(request?.url).toBe("http://example.org/p/api/v1/x?q=%C3%A4");
    expect(request?.headers.get("authorization")).toBe("Bearer mtr_x");
    expect(request?.headers.get("content-type")).toBe("application/json");
    expect(await request?.json()).toEqual({ a: 1 });
  });

  test("turns a problem document into its code, message and field", async () => {
    const problem = { status: 412, code: "version_conflict", detail: "It has changed.", field: "version", current_version: 7 };
    const error = await failure(answers(JSON.stringify(problem), 412).json("GET", "x", Answer));
    expect(error).toMatchObject({
      code: "version_conflict",
      message: "It has changed.",
      field: "version",
      currentVersion: 7,
      status: 412,
    });
  });

  test.each([
    [401, "unauthorized"],
    [403, "forbidden"],
    [404, "not_found"],
    [418, "malformed"],
    [502, "internal"],
    [503, "overloaded"],
  ])("understands a bare %i of a proxy", async (status, code) => {
    const error = await failure(answers("<html>oh no</html>", status).json("GET", "x", Answer));
    expect(error).toMatchObject({ code, status });
    expect(error.message).toContain(`http://example.org/p answered ${status}`);
  });

  test("is not put off by a problem of another shape", async () => {
    expect(await failure(answers('{"code":5,"detail":["no"],"title":"Teapot"}', 418).json("GET", "x", Answer))).toMatchObject({
      code: "malformed",
      message: "Teapot",
    });
    expect(await failure(answers("null", 500).json("GET", "x", Answer))).toMatchObject({ code: "internal" });
  });

  test("knows how long to wait", async () => {
    expect((await failure(answers("", 429, { "retry-after": "3" }).json("GET", "x", Answer))).retryAfterMs).toBe(3000);
    expect(
      (await failure(answers("", 429, { "retry-after": "tomorrow" }).json("GET", "x", Answer))).retryAfterMs,
    ).toBeUndefined();
  });

  test("says so when the other side does not speak matric", async () => {
    expect((await failure(answers("<html>").json("GET", "x", Answer))).message).toContain("Is it a matric server?");
    expect(await failure(answers('{"ok":"yes"}').json("GET", "x", Answer))).toMatchObject({ code: "protocol" });
  });

  test("is unreachable when the connection fails", async () => {
    const refused = Object.assign(new Error("Unable to connect."), { code: "ConnectionRefused" });
    const error = await failure(apiThat(() => Promise.reject(refused)).json("GET", "x", Answer));
    expect(error).toMatchObject({
      code: "unreachable",
      message: "http://example.org/p cannot be reached: the connection was refused.",
    });
  });

  test.each([
    ["HTTP/1.1 abc\r\n\r\n", "http:", "it speaks no HTTP."],
    ["HTTP/1.1 200 OK\r\n\r\n", "https:", "the TLS handshake failed; if it speaks no TLS, try http://."],
  ])("tells what the other side speaks instead: %j to %s", async (answer, protocol, why) => {
    const stranger = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { data: (socket) => void socket.end(answer) },
    });
    const url = `${protocol}//127.0.0.1:${stranger.port}`;
    const error = await failure(new Api({ url }).json("GET", "x", Answer));
    expect(error).toMatchObject({ code: "unreachable", message: `${url} cannot be reached: ${why}` });
    stranger.stop(true);
  });

  test("times out, body included, and leaves no timer behind", async () => {
    const clock = new ManualClock();
    const api = apiThat(
      (_url, { signal }) => new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason))),
      clock,
    );
    const error = failure(api.json("GET", "x", Answer, { timeoutMs: 2000 }));
    await clock.advance(2000);
    expect(await error).toMatchObject({ code: "timed_out", message: "http://example.org/p did not answer within 2 seconds." });
    expect(clock.pending()).toBe(0);
  });

  test("rejects with the caller's reason when aborted", async () => {
    const stop = new AbortController();
    const api = apiThat(
      (_url, { signal }) => new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason))),
    );
    const call = api.json("GET", "x", Answer, { signal: stop.signal });
    stop.abort("enough");
    expect(await call.catch((reason: unknown) => reason)).toBe("enough");
  });

  test("204 is no answer, where there may be none", async () => {
    const api = apiThat(async () => new Response(null, { status: 204 }));
    expect(await api.maybe("POST", "x", Answer)).toBeUndefined();
    expect(await api.done("DELETE", "x")).toBeUndefined();
  });
});
