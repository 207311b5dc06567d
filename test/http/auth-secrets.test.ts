import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ticket } from "../../src/auth/contract.ts";
import { systemClock } from "../../src/clock.ts";
import { createLogger } from "../../src/logger.ts";
import { type AuthApp, bearer, startAuthApp, TestSocket } from "../support/auth.ts";

let server: AuthApp;
let dataDir: string;
const written: string[] = [];
/** Everything that anybody must not find anywhere: without the prefix, which may be told. */
const secrets: Record<string, string> = {};
const answers: string[] = [];

/** Shows each secret in each place where somebody could, in the right way and in wrong ones. */
beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "matric-test-"));
  const sink = { write: (line: string) => void written.push(line) };
  const logger = createLogger({ clock: systemClock, sink, level: "debug", format: "json" });
  server = await startAuthApp({ dataDir, logLevel: "debug" }, { logger });
  const { app, admin } = server;
  const revoked = await server.make(["admin"]);
  await server.revoke(revoked.id);
  const reader = await server.make(["events:read"]);
  const { ticket } = (await app.call(Ticket, "POST", "/events/tickets", { headers: bearer(admin) })).body;
  const jwt = `${btoa('{"alg":"none"}')}.${btoa('{"sub":"anna"}')}.c2lnbmF0dXJlLXRoYXQtaXMtbm9uZQ`.replaceAll("=", "");
  Object.assign(secrets, { admin, revoked: revoked.token, reader: reader.token, ticket, jwt, unknown: `mtr_${"Q".repeat(43)}` });

  for (const secret of Object.values(secrets)) {
    const visit = async (path: string, init: RequestInit = {}) => {
      const aborted = new AbortController();
      const response = await app.fetch(path, { ...init, signal: aborted.signal });
      const head = JSON.stringify([...response.headers].filter(([name]) => name !== "set-cookie"));
      const isStream = response.headers.get("content-type")?.startsWith("text/event-stream");
      answers.push(`${head}\n${isStream ? "" : await response.text()}`);
      aborted.abort();
    };
    const json = { "content-type": "application/json" };
    for (const path of [
      "/api/v1/notes",
      "/api/v1/events?transport=poll&wait_seconds=0",
      "/api/v1/tokens",
      "/metrics",
      "/nothing",
      "/mcp",
    ]) {
      await visit(path, { headers: bearer(secret) });
      await visit(path, { headers: { authorization: secret } });
      await visit(path, { headers: { cookie: `matric_token=${secret}` } });
      for (const name of ["token", "ticket", "access_token"])
        await visit(`${path}${path.includes("?") ? "&" : "?"}${name}=${secret}`);
    }
    await visit(`/api/v1/notes/${secret}`, { headers: bearer(admin) });
    await visit(`/${secret}`);
    await visit("/api/v1/notes", { method: secret.replace(/\W/g, "") });
    await visit("/api/v1/session", { method: "POST", headers: json, body: JSON.stringify({ token: secret }) });
    await visit("/api/v1/session", { method: "POST", headers: json, body: JSON.stringify({ token: [secret] }) });
    await visit("/api/v1/session", { method: "POST", headers: json, body: `{"token":"${secret}` });
    await visit("/api/v1/session", { method: "POST", headers: json, body: JSON.stringify({ token: admin, [secret]: 1 }) });
    await visit("/mcp", {
      method: "POST",
      headers: { ...json, ...bearer(admin) },
      body: JSON.stringify({ id: 1, method: secret }),
    });
    for (const query of [`?ticket=${secret}`, `?token=${secret}`, ""]) {
      const socket = new TestSocket(`${app.url}/api/v1/ws${query}`);
      if (!(await socket.opened)) continue;
      socket.send({ op: "auth", token: secret, ref: 1 });
      await Promise.race([socket.message(({ ref }) => ref === 1), socket.closed]);
      answers.push(JSON.stringify(socket.messages));
      socket.close();
    }
  }
  answers.push(await (await app.fetch("/metrics", { headers: bearer(admin) })).text());
  answers.push(await (await app.fetch("/api/v1/connections", { headers: bearer(admin) })).text());
  answers.push(await (await app.fetch("/api/v1/events", { headers: { ...bearer(admin), accept: "application/json" } })).text());
  await app.stop();
});

afterAll(async () => {
  rmSync(dataDir, { recursive: true });
});

/** Which secrets are in it; the first letters of one say nothing. */
function found(text: string): string[] {
  return Object.entries(secrets)
    .filter(([, secret]) => text.includes(secret.slice(4, 30)))
    .map(([name]) => name);
}

test("no token is in the log, at any level", () => {
  expect(written.length).toBeGreaterThan(10);
  expect(found(written.join(""))).toEqual([]);
});

test("nor in an answer, be it an error or not", () => {
  expect(answers.length).toBeGreaterThan(150);
  for (const answer of answers) expect(found(answer)).toEqual([]);
});

test("nor in the files", () => {
  for (const name of readdirSync(dataDir)) expect([name, found(readFileSync(join(dataDir, name), "latin1"))]).toEqual([name, []]);
});
