import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/clock.ts";
import { createLogger } from "../../src/logger.ts";
import { eventually } from "../support/eventually.ts";
import { startApp } from "../support/start-app.ts";

const hasShipper = Bun.which("syslog-ng") !== null;
if (!hasShipper && process.env.CI === "true")
  throw new Error("install Debian's package syslog-ng-core: this test must not be skipped here");
if (!hasShipper) process.stderr.write("SKIPPED: a real log shipper; apt-get install syslog-ng-core\n");

test.skipIf(!hasShipper)("a real log shipper reads the lines, and finds the fields by their names", async () => {
  const folder = mkdtempSync(join(tmpdir(), "matric-shipper-"));
  const lines: string[] = [];
  const sink = { write: (line: string) => lines.push(line) };
  const logger = createLogger({ clock: systemClock, sink, level: "info", format: "json" });
  const app = await startApp({}, { logger });
  await app.fetch("/api/v1/notes", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ title: "Shipped", content: "text" }),
  });
  await app.stop();
  const shipped = join(folder, "shipped.txt");
  writeFileSync(join(folder, "log.json"), lines.join(""));
  writeFileSync(
    join(folder, "syslog-ng.conf"),
    `@version: 3.38
    options { stats-freq(0); };
    source s { file("${join(folder, "log.json")}" flags(no-parse) follow-freq(1)); };
    parser p { json-parser(prefix(".line.")); };
    destination d { file("${shipped}" template("\${.line.level} \${.line.target} \${.line.fields.event.type} \${.line.fields.event.version} \${.line.message}\\n")); };
    log { source(s); parser(p); destination(d); };`,
  );
  const files = ["persist-file", "pidfile", "control"].map((name) => `--${name}=${join(folder, name)}`);
  const child = Bun.spawn(["syslog-ng", "--foreground", `--cfgfile=${join(folder, "syslog-ng.conf")}`, ...files], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
  try {
    const read = () => Bun.file(shipped).exists();
    await eventually(async () => (await read()) && readFileSync(shipped, "utf8").split("\n").length > lines.length);
    const arrived = readFileSync(shipped, "utf8").trim().split("\n");
    expect(arrived.length).toBe(lines.length);
    expect(arrived).toContain("INFO matric::events NoteCreated 1 Note created");
  } finally {
    child.kill("SIGKILL");
    await child.exited;
    rmSync(folder, { recursive: true, force: true });
  }
});
