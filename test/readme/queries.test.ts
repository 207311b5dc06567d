import { beforeAll, describe, expect, test } from "bun:test";
import esql from "@elastic/highlightjs-esql";
import { parser } from "@grafana/lezer-logql";
import { systemClock } from "../../src/clock.ts";
import { createLogger } from "../../src/logger.ts";
import { ByteStream } from "../support/byte-stream.ts";
import { jsonLines } from "../support/cli.ts";
import { eventually } from "../support/eventually.ts";
import { queries } from "../support/readme.ts";
import { startApp } from "../support/start-app.ts";

const topics = ["job throughput", "queue depth", "connection count", "slow jobs", "failed jobs by error code", "life of"];

/** The fields of a real line of each type, as a path of its JSON. */
const pathsByType = new Map<string, string[]>();

beforeAll(async () => {
  const lines: string[] = [];
  const sink = { write: (line: string) => lines.push(line) };
  const logger = createLogger({ clock: systemClock, sink, level: "info", format: "json" });
  const app = await startApp({ jobTypes: ["resize"] }, { logger });
  const post = async (path: string, body: object) => {
    const headers = { "content-type": "application/json" };
    return JSON.parse(await (await app.fetch(`/api/v1${path}`, { method: "POST", headers, body: JSON.stringify(body) })).text());
  };
  const stream = await ByteStream.open(`${app.url}/api/v1/events`);
  await stream.frame();
  stream.close();
  const note = await post("/notes", { title: "Note", content: "text" });
  await post(`/notes/${note.id}/revise`, {});
  const job = await post("/jobs", { type: "resize" });
  const { lease } = await post("/jobs/claim", { types: ["resize"], worker_id: "w" });
  await post(`/jobs/${job.id}/fail`, { error_code: "no_space", error: "full", retry: false, lease_token: lease.token });
  await eventually(() =>
    ["JobCompleted", "ConnectionClosed"].every((type) => lines.some((line) => line.includes(`"event.type":"${type}"`))),
  );
  await app.stop();
  for (const { fields } of jsonLines(lines.join(""))) {
    const type = Object(fields)["event.type"];
    if (type !== undefined)
      pathsByType.set(
        type,
        Object.keys(Object(fields)).map((name) => `fields.${name}`),
      );
  }
});

/** Which of the names that a query asks for are not in the lines of the types that it asks for. */
function unknownNames(query: string, named: RegExp, spell: (path: string) => string): string[] {
  const types = [...query.matchAll(/event[._]type *==? *"(\w+)"/g)].map(([, type = ""]) => type);
  // The life of a connection is told by lines of several types.
  const lines = types.length > 0 ? types : ["ConnectionOpened", "ConnectionClosed"];
  const known = new Set(lines.flatMap((type) => pathsByType.get(type) ?? []).map(spell));
  return [...query.matchAll(named)].map(([name]) => name).filter((name) => !known.has(name));
}

describe.each(["promql", "logql", "esql"])("the README's queries in %s", (language) => {
  test("answer what operators ask, in the same order", () => {
    const about = queries(language).map((one) => one.about);
    expect(about.map((text, index) => text.startsWith(topics[index] ?? "?"))).toEqual(topics.map(() => true));
  });
});

describe.each(queries("logql"))("for Loki: $about", ({ query }) => {
  test("is LogQL", () => {
    const errors: number[] = [];
    parser.parse(query).iterate({
      enter: (node) => {
        if (node.type.isError) errors.push(node.from);
      },
    });
    expect(errors).toEqual([]);
  });

  test("names labels that its JSON parser makes of a line", () => {
    expect(unknownNames(query, /\bfields_\w+/g, (path) => path.replace(/\W/g, "_"))).toEqual([]);
  });
});

describe.each(queries("esql"))("for Elasticsearch: $about", ({ query }) => {
  const { keywords, contains } = esql({ COMMENT: () => ({}) });
  const calls = contains.find((mode) => mode?.className === "function")?.begin ?? "";

  test("is of the commands and functions of ES|QL", () => {
    const commands = query.split("|").map((stage) => /^\s*(\w+)/.exec(stage)?.[1] ?? "");
    expect(commands[0]).toBe("FROM");
    expect(commands.filter((command) => !keywords.keyword.includes(command))).toEqual([]);
    const called = [...query.matchAll(/\w+\(/g)].map(([call]) => call);
    expect(called.filter((call) => !new RegExp(`^${calls}$`).test(call))).toEqual([]);
    const balance = (open: string, close: string) => query.split(open).length - query.split(close).length;
    expect([balance("(", ")"), query.split('"').length % 2]).toEqual([0, 1]);
  });

  test("names fields of a line", () => {
    expect(unknownNames(query, /\bfields\.[\w.]+/g, (path) => path)).toEqual([]);
  });
});
