import { afterEach, describe, expect, test } from "bun:test";
import { Api } from "../../src/client/api.ts";
import { socketConnect } from "../../src/client/socket-connection.ts";
import type { ConnectRequest } from "../../src/client/stream-connection.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { eventFrame } from "../support/scripted-connect.ts";

const servers: Bun.Server<unknown>[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop(true))));

interface Behaviour {
  refuse?: () => Response;
  open?: (socket: Bun.ServerWebSocket<unknown>) => void;
  message?: (socket: Bun.ServerWebSocket<unknown>, text: string) => void;
  close?: () => void;
}

function serve({ refuse, open, message, close }: Behaviour) {
  const upgrades: Request[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request, self) {
      upgrades.push(request);
      if (refuse) return refuse();
      return self.upgrade(request) ? undefined : new Response("", { status: 400 });
    },
    websocket: {
      open: (socket) => open?.(socket),
      message: (socket, text) => message?.(socket, String(text)),
      close: () => close?.(),
      backpressureLimit: 64 * 1024 * 1024,
    },
  });
  servers.push(server);
  return { api: new Api({ url: server.url.href, token: "mtr_x" }), upgrades };
}

const request = (more: Partial<ConnectRequest> = {}): ConnectRequest => ({
  query: { events: "Job*" },
  cursor: undefined,
  signal: new AbortController().signal,
  clock: new ManualClock(),
  ...more,
});
const errorOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );
const text = (seq: number, data: Record<string, unknown> = {}) => eventFrame(`${seq}-abc`, "A", data).text;

describe("a connection by WebSocket", () => {
  test("sends filter, token and cursor", async () => {
    const { api, upgrades } = serve({});
    (await socketConnect(api)(request({ cursor: "5-abc" }))).close();
    const [upgrade] = upgrades;
    expect(new URL(upgrade?.url ?? "").pathname + new URL(upgrade?.url ?? "").search).toBe("/api/v1/ws?events=Job*&since=5-abc");
    expect(upgrade?.headers.get("authorization")).toBe("Bearer mtr_x");
  });

  test("reads events in order and passes over answers and rubbish", async () => {
    const { api } = serve({
      open(socket) {
        for (const message of [text(1), '{"op":"pong"}', "not json", "null", text(2)]) socket.send(message);
        socket.send(new Uint8Array([1, 2]));
        socket.close(1001);
      },
    });
    const connection = await socketConnect(api)(request());
    const ids: (string | undefined)[] = [];
    for (let frames = await connection.read(); frames; frames = await connection.read()) ids.push(...frames.map(({ id }) => id));
    expect(ids).toEqual(["1-abc", "2-abc"]);
  });

  test("tells by HTTP why the upgrade was refused", async () => {
    const { api } = serve({
      refuse: () => Response.json({ code: "invalid", detail: "Did you mean JobQueued?" }, { status: 422 }),
    });
    expect(await errorOf(socketConnect(api)(request()))).toMatchObject({ code: "invalid", message: "Did you mean JobQueued?" });
  });

  test("is unreachable where nobody listens", async () => {
    const { api } = serve({});
    await servers.pop()?.stop(true);
    expect(await errorOf(socketConnect(api)(request()))).toMatchObject({ code: "unreachable" });
  });

  test.each([
    [1008, { code: "forbidden" }],
    [4009, { code: "unauthorized" }],
  ])("a close with %i is final", async (code, expected) => {
    const { api } = serve({ open: (socket) => socket.close(code, "no") });
    const connection = await socketConnect(api)(request());
    expect(await errorOf(connection.read())).toMatchObject(expected);
  });

  test("asks a quiet server whether it lives, and gives up when it does not say so", async () => {
    const asked = [Promise.withResolvers<string>(), Promise.withResolvers<string>(), Promise.withResolvers<string>()];
    let count = 0;
    const { api } = serve({ message: (_, message) => asked[count++]?.resolve(message) });
    const clock = new ManualClock();
    const connection = await socketConnect(api)(request({ clock }));
    connection.silenceMs = 90_000;
    const failed = errorOf(connection.read());
    for (const one of asked) {
      await clock.advance(30_000);
      expect(await one.promise).toBe('{"op":"ping"}');
    }
    await clock.advance(30_000);
    expect(await failed).toMatchObject({ code: "unreachable", message: expect.stringContaining("fallen silent") });
    connection.close();
  });

  test("a consumer that does not read costs a bounded amount: the rest is fetched again later", async () => {
    const closed = Promise.withResolvers<void>();
    const { api } = serve({
      open(socket) {
        const filler = "x".repeat(60_000);
        for (let seq = 1; seq <= 400; seq++) socket.send(text(seq, { filler }));
      },
      close: () => closed.resolve(),
    });
    const connection = await socketConnect(api)(request());
    await closed.promise;
    const frames = (await connection.read()) ?? [];
    expect(frames.reduce((chars, frame) => chars + frame.text.length, 0)).toBeLessThan(9 * 1024 * 1024);
    expect(frames.map(({ id }) => id)).toEqual(frames.map((_, index) => `${index + 1}-abc`));
    expect(await connection.read()).toBeUndefined();
  });

  test("an abort ends a pending read, and one before the upgrade", async () => {
    const stop = new AbortController();
    const { api } = serve({});
    const connection = await socketConnect(api)(request({ signal: stop.signal }));
    const next = connection.read();
    stop.abort();
    expect(await next).toBeUndefined();
    const early = new AbortController();
    const opening = errorOf(socketConnect(api)(request({ signal: early.signal })));
    early.abort();
    expect(await opening).toMatchObject({ code: "unreachable" });
  });
});
