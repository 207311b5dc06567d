import { KindGuard, type TSchema } from "@sinclair/typebox";
import { catalog } from "../events/catalog.ts";
import { customTelemetry, type EventDefinition, type EventTelemetry } from "../events/definition.ts";
import { transientCatalog } from "../events/transient-catalog.ts";
import type { LogFields } from "../logger.ts";

/** What may leave of a value: enough for every id and state, too little for a text. */
const charsMax = 200;

type Scalar = string | number | boolean;
/** The value as it is told; undefined when it is not what its schema says. */
type Read = (value: unknown) => Scalar | undefined;

interface Field {
  name: string;
  /** As it stands in the log. */
  key: string;
  isRequired: boolean;
  read: Read;
}

/** How one type of event is told: compiled once from the registry. */
export interface EventReader extends Pick<EventTelemetry, "level" | "message"> {
  fields: readonly Field[];
}

export const customReader: EventReader = { ...customTelemetry, fields: [] };

const readers = new Map<string, EventReader>(
  Object.entries({ ...catalog, ...transientCatalog }).map(([name, definition]) => [name, readerOf(definition)]),
);

/** The reader of a built-in event; undefined for a custom one. */
export function readerFor(name: string): EventReader | undefined {
  return readers.get(name);
}

/** An event that is not what the registry says. It holds no value of the event. */
export class MalformedEvent extends Error {
  override readonly name = "MalformedEvent";

  constructor(readonly reason: string) {
    super(reason);
  }
}

/** The fields of the allow-list that `data` has, as `event.<name>`. Throws `MalformedEvent`. */
export function readFields({ fields }: EventReader, data: unknown): LogFields {
  if (typeof data !== "object" || data === null) throw new MalformedEvent("data is not an object");
  const values: Record<string, unknown> = { ...data };
  const told: LogFields = {};
  for (const { name, key, isRequired, read } of fields) {
    const value = values[name];
    if (value === undefined) {
      if (isRequired) throw new MalformedEvent(`${name} is missing`);
      continue;
    }
    const scalar = read(value);
    if (scalar === undefined) throw new MalformedEvent(`${name} is not what it should be`);
    told[key] = scalar;
  }
  return told;
}

function readerOf({ telemetry: { level, message, fields }, data }: EventDefinition): EventReader {
  return {
    level,
    message,
    fields: fields.map((name) => {
      const schema = data.properties[name];
      if (!schema) throw new Error(`there is no field ${name}`);
      return { name, key: `event.${name}`, isRequired: data.required?.includes(name) ?? false, read: readOf(schema) };
    }),
  };
}

function readOf(schema: TSchema): Read {
  if (KindGuard.IsString(schema)) return text;
  if (KindGuard.IsInteger(schema) || KindGuard.IsNumber(schema))
    return (value) => (Number.isFinite(value) ? Number(value) : undefined);
  if (KindGuard.IsBoolean(schema)) return (value) => (typeof value === "boolean" ? value : undefined);
  if (KindGuard.IsArray(schema)) {
    const read = readOf(schema.items);
    return (value) => (Array.isArray(value) && value.every((item) => read(item) !== undefined) ? value.join(",") : undefined);
  }
  if (KindGuard.IsUnion(schema)) {
    const allowed = new Set<unknown>(schema.anyOf.map((one) => (KindGuard.IsLiteral(one) ? one.const : undefined)));
    return (value) => (typeof value === "string" && allowed.has(value) ? value : undefined);
  }
  throw new Error("telemetry takes ids, counts, flags and states only");
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value.length <= charsMax ? value : undefined;
}
