import { afterEach, describe, expect, test } from "bun:test";
import type { Socket } from "node:net";
import { systemClock } from "../../src/clock.ts";
import { AllowList } from "../../src/webhooks/allow-list.ts";
import { Destinations } from "../../src/webhooks/destinations.ts";
import { HttpSender } from "../../src/webhooks/http-sender.ts";
import { certificateFor } from "../support/certificate.ts";
import { ManualClock, settle } from "../support/manual-clock.ts";
import { badServer, Receiver } from "../support/receiver.ts";

const toStop: { stop(): unknown }[] = [];
afterEach(async () => {
  for (const one of toStop.splice(0)) await one.stop();
});
const stopLater = <T extends { stop(): unknown }>(one: T): T => {
  toStop.push(one);
  return one;
};

const loopback = { address: "127.0.0.1", family: 4 as const };
const createSender = ({ clock = systemClock, ca }: { clock?: ManualClock | typeof systemClock; ca?: string } = {}) => {
  const destinations = new Destinations(new AllowList(["127.0.0.1"]), async () => [loopback], clock);
  return stopLater(new HttpSender({ destinations, clock, ...(ca === undefined ? {} : { ca }) }));
};
const post = (sender: HttpSender, url: URL, headers: Record<string, string> = {}) =>
  sender.send({ url, headers, body: '{"n":1}' }, new AbortController().signal);
const bad = async (behave: (socket: Socket, connection: number) => void) => stopLater(await badServer(behave));
const receiver = (answer?: Receiver["answer"]) => stopLater(new Receiver(answer));
/** Once the request is here. */
const onRequest = (socket: Socket, act: () => void) => socket.once("data", act);

describe("an attempt", () => {
  test("is a POST with the headers and the body as they are, and tells what came of it", async () => {
    const to = receiver(
      () => new Response("thank you", { status: 202, headers: { "x-more": "yes", "set-cookie": "id=secret" } }),
    );
    const sent = await post(createSender(), new URL(`${to.url}/a/b?c=d`), { "X-One": "1", "Content-Type": "application/json" });
    expect(to.requests).toEqual([
      {
        method: "POST",
        path: "/a/b",
        body: '{"n":1}',
        headers: {
          "content-length": "7",
          "content-type": "application/json",
          host: `127.0.0.1:${to.port}`,
          "x-one": "1",
        },
      },
    ]);
    expect(sent).toMatchObject({ status: 202, errorCode: null, error: null, responseBody: "thank you" });
    expect(sent.responseHeaders).toMatchObject({ "x-more": "yes", "set-cookie": "***" });
    const { total, dns, connect, tls, first_byte } = sent.durations;
    expect([typeof total, dns, typeof connect, tls, typeof first_byte]).toEqual(["number", null, "number", null, "number"]);
  });

  test("uses a connection again", async () => {
    const connections = new Set<Socket>();
    const to = await bad((socket) => {
      connections.add(socket);
      socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
    });
    const sender = createSender();
    for (let n = 0; n < 5; n++) expect((await post(sender, to.url)).errorCode).toBeNull();
    expect(connections.size).toBe(1);
  });

  test.each([200, 201, 204, 299])("that is answered %d succeeds", async (status) => {
    const to = receiver(() => new Response(null, { status }));
    expect(await post(createSender(), new URL(to.url))).toMatchObject({ status, errorCode: null });
  });

  test.each([
    [301, "redirect"],
    [307, "redirect"],
    [304, "redirect"],
    [400, "http_error"],
    [404, "http_error"],
    [410, "gone"],
    [429, "http_error"],
    [500, "http_error"],
    [599, "http_error"],
  ] as const)("that is answered %d fails with %s, and is not sent elsewhere", async (status, errorCode) => {
    const metadata = receiver();
    const to = receiver(() => new Response(null, { status, headers: { location: `${metadata.url}/latest/meta-data` } }));
    expect(await post(createSender(), new URL(to.url))).toMatchObject({ status, errorCode });
    expect(metadata.requests).toEqual([]);
  });
});

describe("a receiver that", () => {
  test("refuses the connection", async () => {
    const to = await bad(() => {});
    await to.stop();
    expect(await post(createSender(), to.url)).toMatchObject({ status: null, errorCode: "connection_refused" });
  });

  test("closes the connection without a word", async () => {
    const to = await bad((socket) => onRequest(socket, () => socket.end()));
    expect(await post(createSender(), to.url)).toMatchObject({ status: null, errorCode: "connection_reset" });
  });

  test("resets it in the middle of the answer", async () => {
    const to = await bad((socket) =>
      onRequest(socket, () => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc", () => socket.resetAndDestroy())),
    );
    expect(await post(createSender(), to.url)).toMatchObject({ status: 200, errorCode: "connection_reset" });
  });

  test("ends a chunked answer too early", async () => {
    const to = await bad((socket) =>
      onRequest(socket, () => socket.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n")),
    );
    expect(await post(createSender(), to.url)).toMatchObject({ status: 200, errorCode: "connection_reset" });
  });

  test("answers without end is read for 64 KiB, of which 16 are kept", async () => {
    const closed = Promise.withResolvers<void>();
    let written = 0;
    const to = await bad((socket) => {
      socket.on("close", () => closed.resolve());
      onRequest(socket, () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        const more = () => {
          while (!socket.destroyed && socket.write("x".repeat(16_384))) written += 16_384;
          if (!socket.destroyed) socket.once("drain", more);
        };
        more();
      });
    });
    const sent = await post(createSender(), to.url);
    expect(sent).toMatchObject({ status: 200, errorCode: null });
    expect(sent.responseBody).toBe("x".repeat(16_384));
    await closed.promise;
    expect(written).toBeLessThan(32 * 1024 * 1024);
  });

  test.each([
    ["sends headers for ever", "x-a: ".padEnd(4000, "b")],
    ["sends a header of 1 MiB", "x-a: ".padEnd(1024 * 1024, "b")],
  ])("%s", async (_name, header) => {
    const to = await bad((socket) =>
      onRequest(socket, () => {
        socket.write("HTTP/1.1 200 OK\r\n");
        const more = () => {
          while (!socket.destroyed && socket.write(`${header}\r\n`));
          if (!socket.destroyed) socket.once("drain", more);
        };
        more();
      }),
    );
    expect(await post(createSender(), to.url)).toMatchObject({ status: null, errorCode: "bad_answer" });
  });

  test.each(["nonsense\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", "\0\0\0\0"])(
    "does not speak HTTP: %j",
    async (text) => {
      const to = await bad((socket) => onRequest(socket, () => socket.end(text)));
      expect(await post(createSender(), to.url)).toMatchObject({ errorCode: "bad_answer" });
    },
  );

  test.each([
    ["accepts and says nothing", ""],
    ["sends half of its headers", "HTTP/1.1 200 OK\r\nx-a: b\r\n"],
    ["says 100 Continue and nothing else", "HTTP/1.1 100 Continue\r\n\r\n"],
    ["never ends its answer", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"],
    ["never ends a chunked answer", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"],
  ])("%s is given 30 seconds in all", async (_name, text) => {
    const clock = new ManualClock();
    const got = Promise.withResolvers<void>();
    const to = await bad((socket) => onRequest(socket, () => socket.write(text, () => got.resolve())));
    const sending = post(createSender({ clock }), to.url);
    await got.promise;
    await clock.advance(29_999);
    expect(await Promise.race([sending, settle()])).toBeUndefined();
    await clock.advance(1);
    expect(await sending).toMatchObject({ errorCode: "timed_out", durations: { total: 30_000 } });
    expect(clock.pending()).toBe(0);
  });

  test("has a name that the DNS never answers for is given 30 seconds, too", async () => {
    const clock = new ManualClock();
    const destinations = new Destinations(new AllowList([]), () => new Promise(() => {}), clock);
    const sender = stopLater(new HttpSender({ destinations, clock }));
    const sending = post(sender, new URL("http://slow.example/"));
    await clock.advance(30_000);
    expect(await sending).toMatchObject({ errorCode: "timed_out" });
  });

  test("has a name that the DNS does not know", async () => {
    const destinations = new Destinations(new AllowList([]), () => Promise.reject(new Error("ENOTFOUND")), systemClock);
    const sender = stopLater(new HttpSender({ destinations, clock: systemClock }));
    expect(await post(sender, new URL("http://unknown.example/"))).toMatchObject({ errorCode: "dns_failed", status: null });
  });

  test("sends an answer that nobody asked for is not believed", async () => {
    const to = await bad((socket) =>
      socket.on("data", () => {
        socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        setImmediate(() => socket.write("HTTP/1.1 500 Smuggled\r\ncontent-length: 0\r\n\r\n"));
      }),
    );
    const sender = createSender();
    for (let n = 0; n < 5; n++) {
      expect(await post(sender, to.url)).toMatchObject({ status: 200, errorCode: null });
      await Bun.sleep(5);
    }
    expect(to.connections()).toBe(5);
  });

  test("closes a kept connection just when it is used gets the request once more, on a new one", async () => {
    const to = await bad((socket) => {
      let requests = 0;
      socket.on("data", () => {
        if (++requests === 1) socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        else socket.resetAndDestroy();
      });
    });
    const sender = createSender();
    expect((await post(sender, to.url)).errorCode).toBeNull();
    expect((await post(sender, to.url)).errorCode).toBeNull();
    expect(to.connections()).toBe(2);
  });

  test("closes a kept connection after a while and then says nothing is given 30 seconds in all", async () => {
    const clock = new ManualClock();
    const got = [Promise.withResolvers<Socket>(), Promise.withResolvers<Socket>(), Promise.withResolvers<Socket>()];
    let requests = 0;
    const to = await bad((socket) => socket.on("data", () => got[requests++]?.resolve(socket)));
    const sender = createSender({ clock });
    const kept = post(sender, to.url);
    (await got[0]?.promise)?.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    await kept;
    const sending = post(sender, to.url);
    const again = await got[1]?.promise;
    await clock.advance(20_000);
    again?.resetAndDestroy();
    await got[2]?.promise;
    await clock.advance(9_999);
    expect(await Promise.race([sending, settle()])).toBeUndefined();
    await clock.advance(1);
    expect(await sending).toMatchObject({ errorCode: "timed_out" });
    expect(to.connections()).toBe(2);
  });

  test("has one address that refuses and another that does not is reached, be it IPv4 or IPv6", async () => {
    const to = receiver();
    const addresses = [{ address: "::1", family: 6 as const }, loopback];
    const destinations = new Destinations(new AllowList(["127.0.0.1", "::1"]), async () => addresses, systemClock);
    const sender = stopLater(new HttpSender({ destinations, clock: systemClock }));
    expect(await post(sender, new URL(`http://both.example:${to.port}/`))).toMatchObject({ status: 200 });
    const six = stopLater(Bun.serve({ hostname: "::1", port: 0, fetch: () => new Response("six") }));
    expect(await post(sender, new URL(`http://[::1]:${six.port}/`))).toMatchObject({ status: 200, responseBody: "six" });
  });
});

describe("over TLS", () => {
  const trusted = certificateFor("hooks.example");
  const secure = () => stopLater(new Receiver(undefined, trusted));

  test("the certificate is checked against the name, not the address that is connected to", async () => {
    const to = secure();
    const sender = createSender({ ca: trusted.cert });
    const sent = await post(sender, new URL(`https://hooks.example:${to.port}/`));
    expect(sent).toMatchObject({ status: 200, errorCode: null });
    expect(typeof sent.durations.tls).toBe("number");
    expect(to.requests[0]?.headers.host).toBe(`hooks.example:${to.port}`);
    expect((await post(sender, new URL(`https://hooks.example.:${to.port}/`))).errorCode).toBeNull();
    expect(await post(sender, new URL(`https://other.example:${to.port}/`))).toMatchObject({
      status: null,
      errorCode: "tls_failed",
    });
    expect(await post(sender, new URL(`https://127.0.0.1:${to.port}/`))).toMatchObject({ status: null, errorCode: "tls_failed" });
    expect(to.requests.length).toBe(2);
  });

  test.each([undefined, "0"])(
    "a certificate that nobody vouches for is not trusted, even if the environment says so: %p",
    async (setting) => {
      process.env.NODE_TLS_REJECT_UNAUTHORIZED = setting;
      const to = secure();
      expect(await post(createSender(), new URL(`https://hooks.example:${to.port}/`))).toMatchObject({
        errorCode: "tls_failed",
      });
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      expect(to.requests.length).toBe(0);
    },
  );

  test("a certificate that has expired is not trusted", async () => {
    const expired = certificateFor("hooks.example", { expired: true });
    const to = stopLater(new Receiver(undefined, expired));
    const sent = await post(createSender({ ca: expired.cert }), new URL(`https://hooks.example:${to.port}/`));
    expect(sent).toMatchObject({ status: null, errorCode: "tls_failed" });
    expect(to.requests.length).toBe(0);
  });

  test("a receiver that does not speak TLS fails", async () => {
    const to = receiver();
    expect(await post(createSender(), new URL(`https://127.0.0.1:${to.port}/`))).toMatchObject({ errorCode: "tls_failed" });
  });
});

test("an abort ends an attempt at once", async () => {
  const got = Promise.withResolvers<void>();
  const to = await bad((socket) => onRequest(socket, () => got.resolve()));
  const abort = new AbortController();
  const sending = createSender().send({ url: to.url, headers: {}, body: "{}" }, abort.signal);
  await got.promise;
  abort.abort();
  await sending;
});
