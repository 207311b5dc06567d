import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { systemClock } from "../../src/clock.ts";
import { AllowList } from "../../src/webhooks/allow-list.ts";
import { type Address, Destinations } from "../../src/webhooks/destinations.ts";
import { HttpSender } from "../../src/webhooks/http-sender.ts";

/** Names that a hostile DNS server answers for. */
const zone: Record<string, string[]> = {
  "loopback.example": ["127.0.0.1"],
  "zero.example": ["0.0.0.0"],
  "private.example": ["10.0.0.7"],
  "metadata.example": ["169.254.169.254"],
  "mapped.example": ["::ffff:127.0.0.1"],
  "six.example": ["::1"],
  "several.example": ["127.0.0.1", "::1", "192.168.1.1"],
  "nat64.example": ["64:ff9b::7f00:1"],
  "aliyun.example": ["100.100.100.200"],
  "ec2.example": ["fd00:ec2::254"],
};

const resolve = async (hostname: string): Promise<Address[]> => {
  const found = zone[hostname.replace(/\.$/, "")];
  if (!found) throw new Error(`getaddrinfo ENOTFOUND ${hostname}`);
  return found.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
};

let connections = 0;
/** Whoever connects to loopback on this port got past the guard. */
let canaries: Bun.TCPSocketListener<undefined>[] = [];
let port = 0;
beforeAll(() => {
  const listen = (hostname: string, on: number) =>
    Bun.listen({ hostname, port: on, socket: { open: () => void connections++, data() {} } });
  const canary = listen("127.0.0.1", 0);
  port = canary.port;
  canaries = [canary];
  try {
    canaries.push(listen("::1", port));
  } catch {
    // No IPv6 on this machine.
  }
});
afterAll(() => {
  for (const canary of canaries) canary.stop(true);
});

const spellings = [
  // Loopback
  "127.0.0.1",
  "127.1",
  "127.0.1",
  "127.255.255.254",
  "2130706433",
  "017700000001",
  "0177.0.0.1",
  "0177.0.0.01",
  "0x7f.1",
  "0x7f000001",
  "0x7f.0x0.0x0.0x1",
  "0X7F.0.0.1",
  "127.0.0.1.",
  "127.0x1",
  "１２７.０.０.１",
  "①②⑦.⓪.⓪.①",
  "127。0。0。1",
  "127｡0．0．1",
  "%31%32%37.0.0.1",
  "12\t7.0.0.1",
  "0",
  "0.0.0.0",
  "0x0",
  "00000000",
  "localhost",
  "LOCALHOST",
  "localhost.",
  "localhost..",
  "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
  "app.localhost",
  "a.b.localhost.",
  // IPv6 that is loopback, or has an IPv4 address inside
  "[::1]",
  "[0:0:0:0:0:0:0:1]",
  "[0000::0001]",
  "[::]",
  "[::ffff:127.0.0.1]",
  "[::ffff:7f00:1]",
  "[0:0:0:0:0:ffff:127.0.0.1]",
  "[::FFFF:7F00:0001]",
  "[::127.0.0.1]",
  "[::7f00:1]",
  "[::ffff:0:127.0.0.1]",
  "[64:ff9b::127.0.0.1]",
  "[64:ff9b::7f00:1]",
  "[64:ff9b:1::7f00:1]",
  "[2002:7f00:1::]",
  "[2002:7f00:0001::1]",
  "[2001::7f00:1]",
  "[2001:0:7f00:1::80ff:fffe]",
  "[fe80::1]",
  "[febf::1]",
  "[fec0::1]",
  "[fc00::1]",
  "[fd00:ec2::254]",
  "[ff02::1]",
  "[100::1]",
  "[2001:db8::1]",
  "[5f00::1]",
  "[4000::1]",
  // IPv4 that is not public
  "10.0.0.1",
  "10.1",
  "167772161",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.0.1",
  "0xc0a80001",
  "100.64.0.1",
  "100.100.100.200",
  "169.254.169.254",
  "2852039166",
  "0xa9fea9fe",
  "0251.0376.0251.0376",
  "169.254.43518",
  "[::ffff:a9fe:a9fe]",
  "168.63.129.16",
  "192.0.0.192",
  "192.0.2.1",
  "192.88.99.1",
  "198.18.0.1",
  "198.51.100.7",
  "203.0.113.7",
  "224.0.0.1",
  "239.255.255.250",
  "240.0.0.1",
  "255.255.255.255",
  // Names that lead there
  ...Object.keys(zone),
  "private.example.",
  // Names of clouds' metadata, which the DNS outside those clouds does not know
  "metadata.google.internal",
  "METADATA.google.internal.",
  "metadata.goog",
  "instance-data.ec2.internal",
];

const clock = systemClock;
const destinations = new Destinations(new AllowList([]), resolve, clock);
const send = async (url: URL, to = destinations) => {
  const sender = new HttpSender({ destinations: to, clock });
  const sent = await sender.send({ url, headers: {}, body: "{}" }, new AbortController().signal);
  sender.stop();
  return sent;
};

describe("an address that is not public", () => {
  test.each(spellings)("%s is refused at registration, and again when it is sent to", async (host) => {
    const text = `http://${host}:${port}/hook`;
    await expect(destinations.accept(text)).rejects.toThrow(/special address/);
    expect((await send(new URL(text))).errorCode).toBe("forbidden_address");
  });

  test("is not reached by any of them", () => {
    expect(spellings.length).toBeGreaterThan(90);
    expect(connections).toBe(0);
  });

  test("is not reached by a name that leads elsewhere when it is registered", async () => {
    const answers = ["93.184.216.34", "127.0.0.1"];
    const rebinding = new Destinations(
      new AllowList([]),
      async () => [{ address: answers.shift() ?? "127.0.0.1", family: 4 }],
      clock,
    );
    const url = await rebinding.accept(`http://rebind.example:${port}/`);
    expect((await send(new URL(url), rebinding)).errorCode).toBe("forbidden_address");
    expect(connections).toBe(0);
  });

  test("is not reached by a name that has a public address beside it: only that one is connected to", async () => {
    const both = new Destinations(
      new AllowList([]),
      async () => [
        { address: "127.0.0.1", family: 4 },
        { address: "93.184.216.34", family: 4 },
      ],
      clock,
    );
    expect(await both.addressesOf(new URL("http://both.example/"))).toEqual([{ address: "93.184.216.34", family: 4 }]);
  });
});

describe("the URL of a webhook", () => {
  test.each([
    ["ftp://hooks.example/", /http or https/],
    ["file:///etc/passwd", /http or https/],
    ["javascript:alert(1)", /http or https/],
    ["hooks.example", /http or https/],
    ["http://", /http or https/],
    ["http://256.1.1.1/", /http or https/],
    ["http://1.2.3.4.5/", /http or https/],
    ["http://[::1%25lo]/", /http or https/],
    [`https://hooks.example/${"x".repeat(2048)}`, /2048/],
    ["http://user@hooks.example/", /user name/],
    ["http://user:pass@hooks.example/", /user name/],
    ["http://hooks.example:80@127.0.0.1/", /user name/],
  ])("%s is refused", async (url, why) => {
    await expect(destinations.accept(url)).rejects.toMatchObject({
      code: "invalid",
      details: { field: "url" },
      message: expect.stringMatching(why),
    });
  });

  test.each([
    "http://93.184.216.34/",
    "https://[2606:4700::1111]/",
    "http://1.1.1.1:8080/x?y=z",
    "http://172.15.255.255/",
    "http://172.32.0.1/",
    "https://93.184.216.34:8443",
  ])("%s is accepted", async (url) => {
    expect(await destinations.accept(url)).toBe(url);
  });

  test("may have a name that the DNS does not know yet", async () => {
    expect(await destinations.accept("https://not-yet.example/hook#part")).toBe("https://not-yet.example/hook");
  });
});

describe("MATRIC_WEBHOOK_ALLOW", () => {
  const allowing = (...entries: string[]) => new Destinations(new AllowList(entries), resolve, clock);

  test("names addresses and networks", async () => {
    const allowed = allowing("10.0.0.0/8", "::1", "127.0.0.1");
    for (const url of ["http://10.2.3.4/", "http://private.example/", "http://[::1]:8080/", "http://127.1/"]) {
      expect(await allowed.accept(url)).toBe(new URL(url).href);
    }
    await expect(allowed.accept("http://127.0.0.2/")).rejects.toThrow(/special address/);
    await expect(allowed.accept("http://192.168.0.1/")).rejects.toThrow(/special address/);
  });

  test("names hosts with their port, wherever they lead", async () => {
    const allowed = allowing("Private.example:8080", "localhost:80", "[::1]:9000");
    for (const url of ["http://private.example:8080/", "http://localhost/", "http://[::1]:9000/"]) {
      expect(await allowed.accept(url)).toBe(url);
    }
    await expect(allowed.accept("http://private.example:8081/")).rejects.toThrow(/special address/);
    await expect(allowed.accept("https://localhost/")).rejects.toThrow(/special address/);
  });

  test("names addresses with their port, whatever name leads there", async () => {
    const allowed = allowing("127.0.0.1:8080", "[::1]:9000");
    for (const url of ["http://loopback.example:8080/", "http://localhost:8080/", "https://six.example:9000/"]) {
      expect(await allowed.accept(url)).toBe(url);
    }
    expect(await allowed.addressesOf(new URL("http://several.example:8080/"))).toEqual([{ address: "127.0.0.1", family: 4 }]);
    await expect(allowed.accept("http://loopback.example:8081/")).rejects.toThrow(/special address/);
    await expect(allowed.accept("http://six.example:8080/")).rejects.toThrow(/special address/);
    await expect(allowed.accept("http://127.0.0.2:8080/")).rejects.toThrow(/special address/);
  });

  test.each([
    "10.0.0.0/33",
    "10.0.0.0/",
    "private.example",
    "10.0.0.0/8/8",
    "host:port",
    "host:99999",
    "http://host:80",
    "::1/129",
    "fe80::1%lo",
  ])("is refused with %s in it", (entry) => {
    expect(() => new AllowList([entry])).toThrow(/MATRIC_WEBHOOK_ALLOW/);
  });
});
