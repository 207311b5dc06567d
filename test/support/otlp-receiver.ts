import { gunzipSync } from "node:zlib";
import * as official from "otlp-official/build/src/generated/root";

/** A message of the protocol, by the code that is generated from OpenTelemetry's own definitions. */
interface MessageType {
  decode(bytes: Uint8Array): object;
  encode(message: object): { finish(): Uint8Array };
  fromObject(plain: object): object;
  toObject(message: object, options: object): Plain;
}

interface KeyValue {
  key: string;
  value?: { stringValue?: string; boolValue?: boolean; intValue?: string; doubleValue?: number };
}

interface Point {
  attributes?: KeyValue[];
  asDouble?: number;
  asInt?: string;
  count?: string;
  bucketCounts?: string[];
}

/** As far as tests look at it. */
interface Plain {
  resourceSpans?: {
    resource?: { attributes?: KeyValue[] };
    scopeSpans?: {
      spans?: {
        name: string;
        kind: number;
        traceId: string;
        spanId: string;
        parentSpanId?: string;
        attributes?: KeyValue[];
        status?: { code?: number };
      }[];
    }[];
  }[];
  resourceMetrics?: {
    scopeMetrics?: {
      metrics?: {
        name: string;
        unit?: string;
        sum?: { dataPoints?: Point[] };
        gauge?: { dataPoints?: Point[] };
        histogram?: { dataPoints?: Point[] };
      }[];
    }[];
  }[];
  resourceLogs?: {
    scopeLogs?: {
      scope?: { name?: string };
      logRecords?: { body?: { stringValue?: string }; severityText?: string; traceId?: string; attributes?: KeyValue[] }[];
    }[];
  }[];
}

const paths = {
  "/v1/traces": messageType("trace", "ExportTraceServiceRequest"),
  "/v1/metrics": messageType("metrics", "ExportMetricsServiceRequest"),
  "/v1/logs": messageType("logs", "ExportLogsServiceRequest"),
};
type Path = keyof typeof paths;

function messageType(signal: string, name: string): MessageType {
  let found: unknown = official;
  for (const part of ["opentelemetry", "proto", "collector", signal, "v1", name]) found = Object(found)[part];
  return found as MessageType;
}

export type Attributes = Record<string, string | number | boolean | undefined>;

export interface ReceivedSpan {
  name: string;
  kind: number;
  traceId: string;
  spanId: string;
  parentId: string;
  attributes: Attributes;
  isError: boolean;
}

export interface ReceivedMetric {
  name: string;
  unit: string;
  kind: "sum" | "gauge" | "histogram";
  /** By the labels. */
  points: { attributes: Attributes; value: number; buckets?: number[] }[];
}

export interface ReceivedLog {
  body: string;
  severity: string;
  scope: string;
  traceId: string;
  attributes: Attributes;
}

/** A collector that takes nothing but what OpenTelemetry's own definitions of the protocol describe. */
export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = [];
  readonly metrics: ReceivedMetric[] = [];
  readonly logs: ReceivedLog[] = [];
  readonly resource: Attributes = {};
  readonly contentTypes = new Set<string>();
  /** Everything as it came, for those who search it. */
  readonly bodies: Uint8Array[] = [];
  readonly headers: Headers[] = [];
  readonly problems: string[] = [];
  /** By which paths what came. */
  readonly paths = new Set<string>();
  /** What is answered in place of taking anything, as long as it is set. */
  refuse: (() => Response | Promise<Response>) | undefined;
  /** How often something was refused. */
  refused = 0;
  readonly #server;

  constructor() {
    this.#server = Bun.serve({ port: 0, hostname: "127.0.0.1", idleTimeout: 0, fetch: (request) => this.#take(request) });
  }

  get url(): string {
    return this.#server.url.href.replace(/\/$/, "");
  }

  async stop(): Promise<void> {
    await this.#server.stop(true);
  }

  async #take(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const raw = await request.bytes();
    if (this.refuse) {
      this.refused++;
      return this.refuse();
    }
    this.paths.add(pathname);
    const body = request.headers.get("content-encoding") === "gzip" ? new Uint8Array(gunzipSync(raw)) : raw;
    const type = request.headers.get("content-type") ?? "";
    this.contentTypes.add(type);
    this.bodies.push(body);
    this.headers.push(request.headers);
    if (!isPath(pathname)) this.problems.push(`nothing is at ${pathname}`);
    else this.#read(pathname, type, body);
    // An empty message of the protocol.
    return type === "application/json" ? Response.json({}) : new Response("", { headers: { "content-type": type } });
  }

  #read(path: Path, contentType: string, body: Uint8Array): void {
    const type = paths[path];
    const plain = contentType === "application/json" ? fromJson(JSON.parse(new TextDecoder().decode(body))) : undefined;
    const message = plain === undefined ? type.decode(body) : type.fromObject(plain);
    const back = type.toObject(message, { longs: String, enums: Number, bytes: String });
    // What the definitions do not know would be lost on the way.
    if (plain === undefined && Buffer.compare(type.encode(message).finish(), body) !== 0) {
      this.problems.push(`${path}: a field that is not in the definitions`);
    }
    const difference = plain && firstDifference(normal(plain), normal(back));
    if (difference) this.problems.push(`${path}${difference}`);
    this.#takeSpans(back);
    this.#takeMetrics(back);
    this.#takeLogs(back);
  }

  #takeSpans({ resourceSpans = [] }: Plain): void {
    for (const { resource, scopeSpans = [] } of resourceSpans) {
      Object.assign(this.resource, attributesOf(resource?.attributes));
      for (const span of scopeSpans.flatMap(({ spans = [] }) => spans)) {
        this.spans.push({
          name: span.name,
          kind: span.kind,
          traceId: hex(span.traceId),
          spanId: hex(span.spanId),
          parentId: hex(span.parentSpanId),
          attributes: attributesOf(span.attributes),
          isError: span.status?.code === 2,
        });
      }
    }
  }

  #takeMetrics({ resourceMetrics }: Plain): void {
    // Each export is the whole state.
    if (resourceMetrics) this.metrics.length = 0;
    const scopes = (resourceMetrics ?? []).flatMap(({ scopeMetrics = [] }) => scopeMetrics);
    for (const { name, unit = "", sum, gauge, histogram } of scopes.flatMap(({ metrics = [] }) => metrics)) {
      const kind = sum ? "sum" : gauge ? "gauge" : "histogram";
      const points = ((sum ?? gauge ?? histogram)?.dataPoints ?? []).map((point) => ({
        attributes: attributesOf(point.attributes),
        value: Number(point.asDouble ?? point.asInt ?? point.count ?? 0),
        ...(point.bucketCounts ? { buckets: point.bucketCounts.map(Number) } : {}),
      }));
      this.metrics.push({ name, unit, kind, points });
    }
  }

  #takeLogs({ resourceLogs = [] }: Plain): void {
    for (const { scope, logRecords = [] } of resourceLogs.flatMap(({ scopeLogs = [] }) => scopeLogs)) {
      for (const record of logRecords) {
        this.logs.push({
          body: record.body?.stringValue ?? "",
          severity: record.severityText ?? "",
          scope: scope?.name ?? "",
          traceId: hex(record.traceId),
          attributes: attributesOf(record.attributes),
        });
      }
    }
  }
}

function isPath(path: string): path is Path {
  return Object.hasOwn(paths, path);
}

function attributesOf(list: KeyValue[] = []): Attributes {
  const entries = list.map(({ key, value: { stringValue, boolValue, intValue, doubleValue } = {} }) => {
    const number = doubleValue ?? intValue;
    return [key, stringValue ?? boolValue ?? (number === undefined ? undefined : Number(number))];
  });
  return Object.fromEntries(entries);
}

function hex(base64 = ""): string {
  return Buffer.from(base64, "base64").toString("hex");
}

/** OTLP's JSON writes ids in hexadecimal, other than JSON of Protocol Buffers does in general. */
function fromJson(value: unknown): Record<string, unknown> {
  const ids = new Set(["traceId", "spanId", "parentSpanId"]);
  const convert = (one: unknown, key = ""): unknown => {
    if (Array.isArray(one)) return one.map((item) => convert(item));
    if (typeof one === "object" && one !== null) {
      return Object.fromEntries(Object.entries(one).map(([name, item]) => [name, convert(item, name)]));
    }
    return typeof one === "string" && ids.has(key) ? Buffer.from(one, "hex").toString("base64") : one;
  };
  return { ...Object(convert(value)) };
}

/** Without what makes no difference: defaults, the order of fields, numbers as text. */
function normal(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map(normal);
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value)
      .map(([key, one]) => [key, normal(one)] as const)
      .filter(([, one]) => one !== undefined);
    return entries.length === 0 ? undefined : Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  }
  return value === null || value === "" || value === false || Number(value) === 0 ? undefined : String(value);
}

function firstDifference(sent: unknown, read: unknown, at = ""): string | undefined {
  if (typeof sent !== "object" || sent === null || typeof read !== "object" || read === null) {
    return sent === read ? undefined : `${at}: ${JSON.stringify(sent)} is read as ${JSON.stringify(read)}`;
  }
  const keys = new Set([...Object.keys(sent), ...Object.keys(read)]);
  for (const key of keys) {
    const difference = firstDifference(Object(sent)[key], Object(read)[key], `${at}.${key}`);
    if (difference) return difference;
  }
  return undefined;
}
