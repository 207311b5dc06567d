import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram } from "../../cli/program.ts";
import { createClient } from "../../src/client/client.ts";
import { jsonLines } from "../support/cli.ts";
import { fakeIo } from "../support/fake-io.ts";
import { startApp, type TestApp } from "../support/start-app.ts";

let app: TestApp;
let folder: string;
/** What the placeholders of the commands stand for. */
const ids: Record<string, string> = {};

beforeAll(async () => {
  app = await startApp({ webhookAllow: ["127.0.0.1"], jobTypes: ["summarise"] });
  folder = mkdtempSync(join(tmpdir(), "matric-test-"));
  mkdirSync(join(folder, "docs"));
  writeFileSync(join(folder, "docs/one.md"), "# One\n");
  writeFileSync(join(folder, "docs/two.md"), Buffer.from([0xff, 0xfe]));
  const client = createClient({ url: app.url });
  const note = await client.notes.create({ title: "Title\u202e", content: "# \x1b[31mred\u2028\n\ttext", tags: ["a\u0301"] });
  const job = await client.jobs.create({ type: "summarise" });
  const webhook = await client.webhooks.create({ url: "http://127.0.0.1:1/hook", events: ["NeverHappens"] });
  const token = await client.tokens.create({ name: "phone", scopes: ["notes:read"] });
  Object.assign(ids, { NOTE: note.id, JOB: job.id, WEBHOOK: webhook.id, TOKEN: token.id, DIR: folder });
});
afterAll(async () => {
  await app.stop();
  rmSync(folder, { recursive: true });
});

/** On a terminal, where the temptation to say something nice is greatest. */
async function run(command: string) {
  const { io, stdout, stderr } = fakeIo({ isTty: true, env: { MATRIC_URL: app.url } });
  // A progress bar is for eyes, and is taken away again.
  Object.assign(stderr, { isTty: false });
  const words = command.split(" ").map((word) => word.replace(/[A-Z]{3,}/, (name) => ids[name] ?? name));
  const code = await runProgram([...words, "--json"], io, "0.0.0");
  return { code, values: jsonLines(stdout.text), remarks: jsonLines(stderr.text), text: stdout.text + stderr.text };
}

describe("with --json stdout is JSON, one value or one per line, and stderr as well", () => {
  test.each([
    ["status", 0, 1],
    ["queue status", 0, 1],
    ["queue pause", 0, 1],
    ["queue resume", 0, 1],
    ["notes list", 0, 1],
    ["notes list --search nowhere", 0, 0],
    ["notes show NOTE", 0, 1],
    ["notes show NOTE --content", 0, 1],
    ["notes add --title A --content B", 0, 1],
    ["notes edit NOTE --add-tag c", 0, 1],
    ["notes edit NOTE --title X --if-version 1", 1, 0],
    ["notes revisions NOTE", 0, 2],
    ["notes revise NOTE", 0, 1],
    ["notes revise NOTE --wait", 0, 1],
    ["notes import DIR/docs", 1, 2],
    ["notes remove NOTE nope", 3, 1],
    ["notes restore NOTE", 0, 1],
    ["jobs list --type summarise", 0, 1],
    ["jobs show JOB", 0, 1],
    ["jobs retry JOB", 1, 0],
    ["jobs cancel JOB", 0, 1],
    ["jobs watch JOB", 1, 1],
    ["events list --events JobCancelled", 0, 1],
    ["events publish DeployFinished", 0, 1],
    ["events tail --since earliest --events JobQueued --count 1", 0, 1],
    ["events tail --since 7-zzzzzz --until-idle 0.1 --events NeverHappened", 0, 0],
    ["webhooks list", 0, 1],
    ["webhooks show WEBHOOK", 0, 1],
    ["webhooks update WEBHOOK --ordered", 0, 1],
    ["webhooks disable WEBHOOK", 0, 1],
    ["webhooks enable WEBHOOK", 0, 1],
    ["webhooks test WEBHOOK", 1, 1],
    ["webhooks rotate-secret WEBHOOK", 0, 1],
    ["webhooks deliveries WEBHOOK", 0, 0],
    ["webhooks replay WEBHOOK --since 1h --dry-run", 0, 1],
    ["webhooks add http://127.0.0.1:1/other --events *", 0, 1],
    ["webhooks remove WEBHOOK", 0, 1],
    ["webhooks show WEBHOOK", 3, 0],
    ["webhooks verify --secret s --header X-Matric-Signature:x", 1, 0],
    ["tokens create tablet --scopes notes:read --expires 1d", 0, 1],
    ["tokens list", 0, 2],
    ["tokens revoke TOKEN", 0, 1],
    ["telemetry dashboard", 0, 1],
    ["telemetry alerts", 0, 1],
    ["backup DIR/copy.db", 0, 1],
    ["backup DIR/copy.db", 1, 0],
    ["restore DIR/copy.db --data-dir DIR/restored", 0, 1],
    ["restore DIR/nothing.db --data-dir DIR/restored", 3, 0],
    ["restore DIR --data-dir DIR/restored", 3, 0],
  ])("%s: exit code %d, %d of them", async (command, code, count) => {
    const result = await run(command);
    expect({ code: result.code, count: result.values.length }).toEqual({ code, count });
    // A terminal that shows them is not steered by what others wrote.
    expect(result.text).not.toContain("\x1b");
    const errors = result.remarks.filter((remark) => "error" in remark);
    expect(errors).toHaveLength(code === 0 ? 0 : 1);
    expect(result.remarks.filter((remark) => !("error" in remark) && !("warning" in remark))).toEqual([]);
  });
});
