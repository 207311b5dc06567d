import { promises as dns } from "node:dns";
import net from "node:net";
import { systemClock } from "../../src/clock.ts";
import { messageOf } from "../../src/errors.ts";
import { AllowList } from "../../src/webhooks/allow-list.ts";
import { Destinations, ForbiddenAddress } from "../../src/webhooks/destinations.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";

/** The first words leave the server at once; what takes longer is held back by something between. */
const firstWordsMs = 3000;
const connectMs = 5000;

/** Whether a proxy at the public address lets streams through as they come. */
export async function checkStreaming(publicUrl: string, token: string | undefined): Promise<Finding> {
  const check = "proxy";
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), firstWordsMs);
  const startMs = performance.now();
  try {
    const response = await fetch(new URL("/api/v1/events", publicUrl), {
      headers: { accept: "text/event-stream", ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
      signal: abort.signal,
    });
    const type = response.headers.get("content-type") ?? "";
    if (response.status === 401 || response.status === 403) {
      return problem(check, `${publicUrl} answered ${response.status}`, "Give an access token with --token.");
    }
    if (!type.startsWith("text/event-stream")) {
      return problem(
        check,
        `${publicUrl} answered ${response.status} with ${type || "no type"}`,
        "Let the proxy pass /api/v1/events to matric.",
      );
    }
    const first = await response.body?.getReader().read();
    const tookMs = Math.round(performance.now() - startMs);
    if (first?.done !== false)
      return problem(check, "the stream ended before its first words", "Let the proxy keep long answers open.");
    if (response.headers.has("content-encoding")) {
      const advice = "Turn compression off for text/event-stream: compressors hold events back.";
      return warning(check, `streams come compressed (${response.headers.get("content-encoding")})`, advice);
    }
    return ok(check, `the first words of a stream came through ${publicUrl} within ${tookMs} ms`);
  } catch (error) {
    if (!abort.signal.aborted)
      return problem(check, `${publicUrl} cannot be reached: ${messageOf(error)}`, "Check the address, DNS and firewall.");
    const advice =
      "Turn buffering off for /api/v1/events: `proxy_buffering off; proxy_read_timeout 1h;` in nginx, `flush_interval -1` in Caddy. Clients behind it can use ?transport=poll meanwhile.";
    return problem(
      check,
      `nothing of a stream came through ${publicUrl} within ${firstWordsMs / 1000} s: it is buffered`,
      advice,
    );
  } finally {
    clearTimeout(timer);
    abort.abort();
  }
}

/** Whether the receiver of a webhook can be reached from here, by the rules that the server follows. */
export async function checkEgress(target: string, allow: readonly string[]): Promise<Finding> {
  const url = URL.parse(target);
  const host = url?.host ?? target;
  const check = `webhook to ${host}`;
  if (!url || !/^https?:$/.test(url.protocol))
    return problem(check, "this is no http or https URL", "Name the URL of a receiver.");
  const destinations = new Destinations(new AllowList(allow), resolve, systemClock);
  try {
    const [first] = await destinations.addressesOf(url);
    const port = Number(url.port) || (url.protocol === "https:" ? 443 : 80);
    await connect(first?.address ?? "", port);
    return ok(check, "a connection can be made");
  } catch (error) {
    if (error instanceof ForbiddenAddress) {
      return problem(check, error.message, "If that is meant, name the address in MATRIC_WEBHOOK_ALLOW.");
    }
    const advice = "Check DNS and firewall; matric does not use HTTP_PROXY for webhooks.";
    return problem(check, `no connection can be made: ${messageOf(error)}`, advice);
  }
}

async function resolve(hostname: string) {
  const addresses = await dns.lookup(hostname, { all: true });
  return addresses.map(({ address, family }) => ({ address, family: family === 4 ? (4 as const) : (6 as const) }));
}

function connect(host: string, port: number): Promise<void> {
  return new Promise((done, fail) => {
    const socket = net.connect({ host, port, timeout: connectMs });
    const end = (error?: Error) => {
      socket.destroy();
      if (error) fail(error);
      else done();
    };
    socket.once("connect", () => end());
    socket.once("timeout", () => end(new Error(`no answer within ${connectMs / 1000} s`)));
    socket.once("error", end);
  });
}
