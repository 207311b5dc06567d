import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { OtlpReceiver } from "../support/otlp-receiver.ts";
import { ServerProcess } from "../support/server-process.ts";

let otlp: OtlpReceiver;
let server: ServerProcess | undefined;

beforeEach(() => {
  otlp = new OtlpReceiver();
});
afterEach(async () => {
  await server?.stop();
  server = undefined;
  await otlp.stop();
});

async function start(env: Record<string, string> = {}): Promise<void> {
  server = await ServerProcess.start({
    OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url,
    OTEL_METRIC_EXPORT_INTERVAL: "200",
    OTEL_BSP_SCHEDULE_DELAY: "50",
    OTEL_BLRP_SCHEDULE_DELAY: "50",
    ...env,
  });
}

/** So many changes, each a few spans and a line. */
async function change(times: number): Promise<void> {
  for (let n = 0; n < times; n++) {
    const response = await fetch(`${server?.url}/api/v1/notes`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ title: `Note ${n}`, content: "" }),
    });
    expect(response.status).toBe(201);
  }
}

async function dropped(what: string): Promise<number> {
  const text = await (await fetch(`${server?.url}/metrics`)).text();
  return Number(new RegExp(`^matric_telemetry_dropped_total\\{what="${what}"\\} (\\d+)$`, "m").exec(text)?.[1]);
}

const created = () => otlp.spans.filter(({ name }) => name === "publish NoteCreated").length;

describe("a collector", () => {
  test("that fails costs what it did not take, which is counted; what comes later is sent again", async () => {
    otlp.refuse = () => new Response("no", { status: 500 });
    await start();
    expect([await dropped("span"), await dropped("log_record")]).toEqual([0, 0]);
    await change(3);
    await eventually(async () => (await dropped("span")) > 0 && (await dropped("log_record")) > 0);
    otlp.refuse = undefined;
    await eventually(async () => {
      await change(1);
      return created() > 0 && otlp.logs.some(({ body }) => body === "Note created") && otlp.metrics.length > 0;
    });
  });

  test("that asks to wait is asked again, and nothing is lost", async () => {
    otlp.refuse = () => new Response("", { status: otlp.refused % 2 === 0 ? 503 : 429, headers: { "retry-after": "1" } });
    await start();
    await change(2);
    await eventually(() => otlp.refused >= 3);
    otlp.refuse = undefined;
    await eventually(() => created() === 2 && otlp.logs.filter(({ body }) => body === "Note created").length === 2);
    expect([await dropped("span"), await dropped("log_record")]).toEqual([0, 0]);
  });

  test("that never answers holds a bounded number back, and neither the server nor its end", async () => {
    const { promise: never, resolve } = Promise.withResolvers<Response>();
    otlp.refuse = () => never;
    await start({ OTEL_BSP_MAX_QUEUE_SIZE: "20", OTEL_BLRP_MAX_QUEUE_SIZE: "20" });
    await change(60);
    await eventually(async () => (await dropped("span")) > 0 && (await dropped("log_record")) > 0);
    const startMs = performance.now();
    expect(await server?.terminate()).toBe(0);
    expect(performance.now() - startMs).toBeLessThan(10_000);
    resolve(new Response());
  });

  test("that is not there costs what is counted, and nothing else", async () => {
    await start({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9", OTEL_EXPORTER_OTLP_TIMEOUT: "200" });
    await change(5);
    await eventually(async () => (await dropped("span")) > 0);
    expect(await server?.terminate()).toBe(0);
  });
});

describe("the standard variables", () => {
  test("name the service, its attributes, and headers and addresses by signal; bodies are compressed", async () => {
    const { url } = otlp;
    await start({
      OTEL_EXPORTER_OTLP_ENDPOINT: `${url}/base/`,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${url}/v1/traces`,
      OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: `${url}/v1/logs`,
      OTEL_EXPORTER_OTLP_HEADERS: "x-tenant=ours,x-key=all%20of%20us",
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: "x-tenant=traces",
      OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
      OTEL_SERVICE_NAME: "notes",
      OTEL_RESOURCE_ATTRIBUTES: "service.name=other,deployment.environment.name=test,team=a%2Cb",
    });
    await change(1);
    await eventually(() => created() === 1 && otlp.logs.length > 0 && otlp.paths.has("/base/v1/metrics"));
    expect(otlp.resource).toMatchObject({
      "service.name": "notes",
      "deployment.environment.name": "test",
      team: "a,b",
      "service.version": expect.any(String),
      "service.instance.id": expect.any(String),
    });
    expect(otlp.paths).toEqual(new Set(["/v1/traces", "/v1/logs", "/base/v1/metrics"]));
    const tenants = new Set(otlp.headers.map((headers) => headers.get("x-tenant") ?? ""));
    expect(tenants).toEqual(new Set(["ours", "traces"]));
    expect(otlp.headers.every((headers) => headers.get("content-encoding") === "gzip")).toBe(true);
    expect(otlp.headers.every((headers) => headers.get("x-key") === "all of us")).toBe(true);
  });

  test("that forbid everything are heeded", async () => {
    await start({ OTEL_SDK_DISABLED: "true" });
    await change(1);
    expect(await server?.terminate()).toBe(0);
    expect(otlp.headers).toEqual([]);
  });
});

/** Packages and own files that a server with these variables has loaded once it runs. */
async function loadedBy(env: Record<string, string>): Promise<string[]> {
  const file = (path: string) => JSON.stringify(join(import.meta.dir, path));
  const script = `
    const { startApp } = await import(${file("../support/start-app.ts")});
    const { otlpOptions } = await import(${file("../../src/telemetry/otlp/options.ts")});
    const app = await startApp({}, { otlp: otlpOptions(process.env) });
    await app.stop();
    await Bun.write(Bun.stdout, Object.keys(require.cache).join("\\n"));
    process.exit();`;
  const child = Bun.spawn([process.execPath, "-e", script], { env: { PATH: process.env.PATH ?? "", ...env }, stdout: "pipe" });
  const [loaded, code] = await Promise.all([child.stdout.text(), child.exited]);
  expect(code).toBe(0);
  return loaded.split("\n");
}

test("nothing of OpenTelemetry's SDK is loaded where nothing is to be sent out", async () => {
  const isSent = (path: string) => /@opentelemetry\/(?!api\/)|telemetry\/otlp\/(?!options\.ts)/.test(path);
  expect((await loadedBy({})).filter(isSent)).toEqual([]);
  expect((await loadedBy({ OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url })).filter(isSent)).not.toEqual([]);
});
