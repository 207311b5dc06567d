import { afterAll, beforeAll, describe, expect, setSystemTime, test } from "bun:test";
import { exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from "jose";
import { JwtVerifier } from "../../src/auth/jwt.ts";
import { silentLogger } from "../../src/logger.ts";
import { type AuthApp, bearer, startAuthApp } from "../support/auth.ts";
import { ManualClock } from "../support/manual-clock.ts";

const issuer = "https://id.example/realm";
const audience = "matric";
let keys: CryptoKeyPair;
let published: JWK;
let asked: string[] = [];

/** The issuer, as the network would show it. */
async function fetchIssuer(address: string | URL | Request): Promise<Response> {
  const url = String(address instanceof Request ? address.url : address);
  asked.push(url);
  if (url === `${issuer}/.well-known/openid-configuration`) return Response.json({ issuer, jwks_uri: `${issuer}/keys` });
  if (url === `${issuer}/keys`) return Response.json({ keys: [published] });
  return new Response(null, { status: 404 });
}

beforeAll(async () => {
  keys = await generateKeyPair("ES256");
  published = { ...(await exportJWK(keys.publicKey)), kid: "one", alg: "ES256" };
});

interface Claims {
  [name: string]: unknown;
}

function sign(
  claims: Claims,
  { nowMs, inSeconds = 60, key = keys.privateKey }: { nowMs: number; inSeconds?: number; key?: CryptoKey },
) {
  return new SignJWT({ sub: "anna", iss: issuer, aud: audience, scope: "notes:read", ...claims })
    .setProtectedHeader({ alg: "ES256", kid: "one" })
    .setExpirationTime(Math.floor(nowMs / 1000) + inSeconds)
    .sign(key);
}

describe("a JWT", () => {
  const clock = new ManualClock();
  const verifier = () => new JwtVerifier({ issuer, audience, fetch: fetchIssuer, clock, logger: silentLogger });
  const nowMs = clock.now();

  test("of the issuer stands for its subject, with the scopes of its claims and no others", async () => {
    const principal = await verifier().verify(
      await sign({ scope: "openid notes:read jobs:write root", scp: ["events:read"] }, { nowMs }),
    );
    expect([principal.id, [...principal.scopes].sort()]).toEqual(["anna", ["events:read", "jobs:write", "notes:read"]]);
    expect(principal.expiresAtMs).toBe(nowMs + 60_000);
    expect(principal.hidden).toEqual(["jobs", "webhooks"]);
  });

  test("is refused when it has expired, is of or for somebody else, or says too little", async () => {
    const other = await generateKeyPair("ES256");
    const bad = [
      await sign({}, { nowMs, inSeconds: -60 }),
      await sign({ iss: "https://evil.example" }, { nowMs }),
      await sign({ aud: "another" }, { nowMs }),
      await sign({ sub: undefined }, { nowMs }),
      await sign({ nbf: Math.floor(nowMs / 1000) + 3600 }, { nowMs }),
      await sign({}, { nowMs, key: other.privateKey }),
      `${btoa('{"alg":"none"}').replaceAll("=", "")}.${btoa('{"sub":"anna"}').replaceAll("=", "")}.x`,
      await new SignJWT({ sub: "anna", iss: issuer, aud: audience })
        .setProtectedHeader({ alg: "ES256", kid: "one" })
        .sign(keys.privateKey),
      await new SignJWT({ sub: "anna", iss: issuer, aud: audience, exp: Math.floor(nowMs / 1000) + 60 })
        .setProtectedHeader({ alg: "HS256", kid: "one" })
        .sign(new TextEncoder().encode(JSON.stringify(published))),
      "a.b.c",
    ];
    for (const token of bad) {
      await expect(verifier().verify(token)).rejects.toMatchObject({
        code: "unauthorized",
        message: expect.not.stringContaining(token),
      });
    }
  });

  test("is refused when it brings a key of its own, or says that the published one is a secret", async () => {
    const other = await generateKeyPair("ES256", { extractable: true });
    const claims = { sub: "anna", iss: issuer, aud: audience, exp: Math.floor(nowMs / 1000) + 60 };
    const pem = new TextEncoder().encode(await exportSPKI(keys.publicKey));
    const bad = [
      await new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid: "one" }).sign(pem),
      await new SignJWT(claims)
        .setProtectedHeader({ alg: "ES256", jwk: await exportJWK(other.publicKey) })
        .sign(other.privateKey),
      await new SignJWT(claims)
        .setProtectedHeader({ alg: "ES256", kid: "one", jku: "https://evil.example/keys" })
        .sign(other.privateKey),
      await new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: "unknown" }).sign(other.privateKey),
      await new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: "../../one" }).sign(other.privateKey),
      `${"a".repeat(100_000)}.${"b".repeat(100_000)}.${"c".repeat(100_000)}`,
    ];
    asked = [];
    for (const token of bad) await expect(verifier().verify(token)).rejects.toMatchObject({ code: "unauthorized" });
    expect(asked.filter((url) => !url.startsWith(issuer))).toEqual([]);
  });

  test.each([[""], [123], [{}], [["anna"]]])("that says %p for its subject is refused", async (sub) => {
    await expect(verifier().verify(await sign({ sub }, { nowMs }))).rejects.toMatchObject({ code: "unauthorized" });
  });

  test("by a key that the issuer has begun to use since is taken, and by one that it has given up is not", async () => {
    const next = await generateKeyPair("ES256");
    const [before, after] = [published, { ...(await exportJWK(next.publicKey)), kid: "two", alg: "ES256" }];
    const one = verifier();
    const [old, fresh] = [
      await sign({}, { nowMs }),
      await new SignJWT({ sub: "anna", iss: issuer, aud: audience, exp: Math.floor(nowMs / 1000) + 60 })
        .setProtectedHeader({ alg: "ES256", kid: "two" })
        .sign(next.privateKey),
    ];
    try {
      expect((await one.verify(old)).id).toBe("anna");
      published = after;
      // Whoever sends made-up keys must not have us ask the issuer for each.
      asked = [];
      for (let count = 0; count < 5; count++) await expect(one.verify(fresh)).rejects.toMatchObject({ code: "unauthorized" });
      expect(asked).toEqual([]);
      setSystemTime(Date.now() + 31_000);
      expect((await one.verify(fresh)).id).toBe("anna");
      await expect(one.verify(old)).rejects.toMatchObject({ code: "unauthorized" });
    } finally {
      published = before;
      setSystemTime();
    }
  });

  test.each<[what: string, answer: (init: RequestInit | undefined) => Promise<Response>]>([
    ["fails", async () => new Response(null, { status: 500 })],
    ["says something else", async () => Response.json({ hello: "world" })],
    ["is no JSON", async () => new Response("<html>")],
    [
      "does not come",
      (init) => new Promise((_, reject) => init?.signal?.addEventListener("abort", () => reject(init.signal?.reason))),
    ],
  ])(
    "cannot be checked when the issuer's answer %s",
    async (_what, answer) => {
      for (const path of ["/.well-known/openid-configuration", "/keys"]) {
        const fetch = (url: string, init?: RequestInit) => (url.endsWith(path) ? answer(init) : fetchIssuer(url));
        const one = new JwtVerifier({ issuer, audience, fetch, clock, logger: silentLogger });
        await expect(one.verify(await sign({}, { nowMs }))).rejects.toMatchObject({ code: "unreachable" });
      }
    },
    20_000,
  );

  test("cannot be checked while the issuer is away, and can when it is back", async () => {
    let isAway = true;
    const fetch = (address: string | URL | Request) => (isAway ? Promise.reject(new Error("no route")) : fetchIssuer(address));
    const one = new JwtVerifier({ issuer, audience, fetch, clock, logger: silentLogger });
    await expect(one.verify(await sign({}, { nowMs }))).rejects.toMatchObject({ code: "unreachable" });
    isAway = false;
    expect((await one.verify(await sign({}, { nowMs }))).id).toBe("anna");
  });

  test("costs no question once the keys are known", async () => {
    const one = verifier();
    await one.verify(await sign({}, { nowMs }));
    asked = [];
    for (let count = 0; count < 3; count++) await one.verify(await sign({}, { nowMs }));
    expect(asked).toEqual([]);
  });
});

describe("a server with an issuer", () => {
  let server: AuthApp;
  beforeAll(async () => {
    const fetch = Object.assign(fetchIssuer, { preconnect: globalThis.fetch.preconnect });
    server = await startAuthApp({ jwtIssuer: issuer, jwtAudience: audience }, { fetch });
  });
  afterAll(() => server.app.stop());

  test("takes its JWTs beside its own tokens, with the rights that they give", async () => {
    const token = await sign({}, { nowMs: Date.now() });
    const status = async (path: string, headers: Record<string, string>) => (await server.app.fetch(path, { headers })).status;
    expect(await status("/api/v1/notes", bearer(token))).toBe(200);
    expect(await status("/api/v1/queue", bearer(token))).toBe(403);
    expect(await status("/api/v1/queue", bearer(server.admin))).toBe(200);
    expect(await status("/api/v1/notes", bearer("a.b.c"))).toBe(401);
    expect(await status("/api/v1/notes", {})).toBe(401);
    const post = { method: "POST", headers: { "content-type": "application/json", ...bearer(token) }, body: "{" };
    expect((await server.app.fetch("/api/v1/notes", post)).status).toBe(403);
    const writer = await sign({ scope: "notes:write" }, { nowMs: Date.now() });
    const body = '{"title":"a","content":"b"}';
    const made = await server.app.fetch("/api/v1/notes", { ...post, headers: { ...post.headers, ...bearer(writer) }, body });
    expect(made.status).toBe(201);
  });
});
