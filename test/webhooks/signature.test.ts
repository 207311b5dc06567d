import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { verify as verifyGitHubStyle } from "@octokit/webhooks-methods";
import { Type } from "@sinclair/typebox";
import { HTTP } from "cloudevents";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import { CreatedWebhook, RotatedSecret, WebhookPage } from "../../src/webhooks/contract.ts";
import { signatureProblem } from "../../src/webhooks/signature.ts";
import { type ReceivedRequest, Receiver } from "../support/receiver.ts";
import { startApp, type TestApp } from "../support/start-app.ts";

// Nothing here verifies with matric's own code, but where that is what is tested.

let app: TestApp;
let receiver: Receiver;
beforeAll(async () => {
  app = await startApp({ webhookAllow: ["127.0.0.1"] });
  receiver = new Receiver();
});
afterAll(async () => {
  await app.stop();
  await receiver.stop();
});

afterEach(async () => {
  const { body } = await app.call(WebhookPage, "GET", "/webhooks");
  for (const { id } of body.items) await app.fetch(`/api/v1/webhooks/${id}`, { method: "DELETE" });
});

const register = async (more: Record<string, unknown> = {}) => {
  const url = `${receiver.url}/hook`;
  const { body } = await app.call(CreatedWebhook, "POST", "/webhooks", { body: { url, events: ["Thing*"], ...more } });
  return body;
};
/** What the receiver gets of an event whose text is not plain ASCII. */
const receive = async (data: unknown = { text: 'Grüße, 世界 🎉 "quoted"\n' }): Promise<ReceivedRequest> => {
  const before = receiver.requests.length;
  await app.call(Type.Any(), "POST", "/events", { body: { event: "ThingHappened", subject: "thing:ü 1", data } });
  const got = (await receiver.received(before + 1))[before];
  if (!got) throw new Error("nothing came");
  return got;
};
const standard = ({ body, headers }: ReceivedRequest, secret: string) =>
  (secret.startsWith("whsec_")
    ? new StandardWebhook(secret)
    : new StandardWebhook(new TextEncoder().encode(secret), { format: "raw" })
  ).verify(body, headers);
const svix = ({ body, headers }: ReceivedRequest, secret: string) => {
  new SvixWebhook(secret).verify(body, headers);
  return JSON.parse(body);
};
const gitHubStyle = ({ body, headers }: ReceivedRequest, secret: string) =>
  verifyGitHubStyle(secret, body, headers["x-matric-signature"] ?? "");
const aged = (request: ReceivedRequest, seconds: number): ReceivedRequest => ({
  ...request,
  headers: { ...request.headers, "webhook-timestamp": String(Number(request.headers["webhook-timestamp"]) + seconds) },
});

describe("a delivery", () => {
  test("with the secret that matric made is verified by standardwebhooks and svix", async () => {
    const { secret } = await register();
    const got = await receive();
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(standard(got, secret)).toEqual(JSON.parse(got.body));
    expect(svix(got, secret)).toEqual(JSON.parse(got.body));
  });

  test("with a plain secret is verified by standardwebhooks, by GitHub's own library and by openssl", async () => {
    const secret = "shared-secret-key ü";
    await register({ secret });
    const got = await receive();
    expect(standard(got, secret)).toEqual(JSON.parse(got.body));
    expect(await gitHubStyle(got, secret)).toBe(true);
    const openssl = Bun.spawnSync(["openssl", "dgst", "-sha256", "-hmac", secret], { stdin: Buffer.from(got.body) });
    expect(got.headers["x-matric-signature"]).toBe(`sha256=${openssl.stdout.toString().trim().split(" ").at(-1)}`);
  });

  test("names the event and the delivery, and is the event's own text", async () => {
    await register({ headers: { Authorization: "Bearer for-the-receiver" } });
    const got = await receive();
    const event = await (await app.fetch(`/api/v1/events/${JSON.parse(got.body).id}`)).text();
    expect(got.body).toBe(event);
    expect(got.headers).toMatchObject({
      "content-type": "application/json",
      "x-matric-event": "ThingHappened",
      "x-matric-delivery": got.headers["webhook-id"],
      authorization: "Bearer for-the-receiver",
    });
  });

  test("is refused when it was tampered with, is old or new, or the secret is another", async () => {
    const { secret } = await register();
    await register({ secret: "one" });
    const before = receiver.requests.length;
    await receive();
    const both = (await receiver.received(before + 2)).slice(before);
    const got = both.find((one) => one.headers["x-matric-delivery"] && isFor(one, secret));
    if (!got) throw new Error("none is for it");
    const tampered = { ...got, body: got.body.replace("quoted", "Quoted") };
    for (const verify of [standard, svix]) {
      expect(() => verify(tampered, secret)).toThrow();
      expect(() => verify(aged(got, 1), secret)).toThrow();
      expect(() => verify(aged(got, -600), secret)).toThrow();
      expect(() => verify(aged(got, 600), secret)).toThrow();
      expect(() => verify({ ...got, headers: { ...got.headers, "webhook-id": "other" } }, secret)).toThrow();
      expect(() => verify(got, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).toThrow();
    }
    const plainOne = both.find((one) => one !== got);
    expect(plainOne && (await gitHubStyle(plainOne, "one"))).toBe(true);
    expect(plainOne && (await gitHubStyle(plainOne, "two"))).toBe(false);
    expect(plainOne && (await gitHubStyle({ ...plainOne, body: `${plainOne.body} ` }, "one"))).toBe(false);
  });

  test("during a rotation is verified by both secrets, afterwards by the new one alone", async () => {
    const { id, secret } = await register();
    const rotate = (overlap_seconds: number) =>
      app.call(RotatedSecret, "POST", `/webhooks/${id}/rotate-secret`, { body: { overlap_seconds } });
    const { body: second } = await rotate(3600);
    const during = await receive();
    for (const verify of [standard, svix]) {
      expect(verify(during, secret)).toEqual(JSON.parse(during.body));
      expect(verify(during, second.secret)).toEqual(JSON.parse(during.body));
    }
    const { body: third } = await rotate(0);
    const after = await receive();
    for (const verify of [standard, svix]) {
      expect(verify(after, third.secret)).toEqual(JSON.parse(after.body));
      expect(() => verify(after, secret)).toThrow();
      expect(() => verify(after, second.secret)).toThrow();
    }
  });

  test("as a CloudEvent is read by the cloudevents library, and signed the same way", async () => {
    const { secret } = await register({ format: "cloudevents" });
    const got = await receive({ text: "Grüße", n: 1.5 });
    const message = { headers: got.headers, body: got.body };
    expect(HTTP.isEvent(message)).toBe(true);
    const event = HTTP.toEvent(message);
    const [one] = Array.isArray(event) ? event : [event];
    expect(one).toMatchObject({ specversion: "1.0", type: "ThingHappened", source: "/matric", data: { text: "Grüße", n: 1.5 } });
    expect(one?.id).toMatch(/^\d+-[a-z0-9]+$/);
    expect(decodeURIComponent(String(one?.subject))).toBe("thing:ü 1");
    expect(Date.parse(String(one?.time))).toBeGreaterThan(0);
    expect(got.headers["ce-actorkind"]).toBe("user");
    expect(standard(got, secret)).toEqual({ text: "Grüße", n: 1.5 });
  });
});

describe("matric's own check", () => {
  const now = Date.now();
  const received = async (secret: string) => {
    await register({ secret });
    const { headers, body } = await receive();
    return { headers, body: new TextEncoder().encode(body) };
  };

  test("agrees with the others", async () => {
    const got = await received("plain");
    const fresh = { nowMs: Date.now(), toleranceMs: 300_000 };
    expect(signatureProblem(got, "plain", fresh)).toBeUndefined();
    expect(signatureProblem(got, "other", fresh)).toMatch(/X-Matric-Signature is not/);
    const { "x-matric-signature": _, ...standardOnly } = got.headers;
    expect(signatureProblem({ ...got, headers: standardOnly }, "plain", fresh)).toBeUndefined();
    expect(signatureProblem({ ...got, headers: standardOnly }, "other", fresh)).toMatch(/webhook-signature is not/);
    expect(signatureProblem({ ...got, headers: standardOnly }, "plain", { ...fresh, nowMs: now + 3_600_000 })).toMatch(
      /seconds old/,
    );
    expect(signatureProblem({ ...got, headers: { ...standardOnly, "webhook-id": "other" } }, "plain")).toMatch(/is not that/);
    expect(signatureProblem({ ...got, headers: { "webhook-signature": "v1,abc" } }, "plain")).toMatch(/also needs/);
    expect(signatureProblem({ ...got, headers: {} }, "plain")).toMatch(/no signature/);
  });

  test("takes no shorter signature for a whole one", async () => {
    const got = await received("plain");
    const cut = { "x-matric-signature": got.headers["x-matric-signature"]?.slice(0, -2) ?? "" };
    expect(signatureProblem({ ...got, headers: cut }, "plain")).toMatch(/is not that/);
  });
});

function isFor(request: ReceivedRequest, secret: string): boolean {
  try {
    standard(request, secret);
    return true;
  } catch {
    return false;
  }
}
