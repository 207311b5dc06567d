import type { Static, TSchema } from "@sinclair/typebox";
import { ClientError } from "./errors.ts";

/**
 * Checks that an answer has what `schema` promises. Fields that the schema does not know are fine, so that an older client can
 * talk to a newer server. Interprets the schema instead of compiling it: pages forbid `eval`. Throws `protocol`.
 */
export function decode<Schema extends TSchema>(schema: Schema, value: unknown, from: string): Static<Schema> {
  const wrong = mismatch(schema, value, "");
  if (wrong !== undefined) {
    throw new ClientError(
      "protocol",
      `${from} answered something that matric does not say${wrong === "" ? "" : ` (at ${wrong.slice(1)})`}.`,
    );
  }
  return value as Static<Schema>;
}

/** The path of the first value that is not what the schema says, undefined when there is none. */
function mismatch(schema: TSchema, value: unknown, path: string): string | undefined {
  if (Array.isArray(schema.anyOf)) {
    return schema.anyOf.some((one: TSchema) => mismatch(one, value, path) === undefined) ? undefined : path;
  }
  if ("const" in schema) return schema.const === value ? undefined : path;
  if (schema.type === "array") return Array.isArray(value) ? first(value.entries(), () => schema.items, path) : path;
  if (schema.type === "object") return isObject(value) ? objectMismatch(schema, value, path) : path;
  return isOfType(schema.type, value) ? undefined : path;
}

function objectMismatch(schema: TSchema, value: Record<string, unknown>, path: string): string | undefined {
  const missing = (schema.required ?? []).find((name: string) => value[name] === undefined);
  if (missing !== undefined) return `${path}.${missing}`;
  return first(Object.entries(value), (name) => schema.properties?.[name], path);
}

function first(
  entries: Iterable<[string | number, unknown]>,
  schemaOf: (key: string | number) => TSchema | undefined,
  path: string,
) {
  for (const [key, value] of entries) {
    const schema = schemaOf(key);
    const wrong = schema && value !== undefined ? mismatch(schema, value, `${path}.${key}`) : undefined;
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function isOfType(type: unknown, value: unknown): boolean {
  if (type === "integer") return Number.isInteger(value);
  if (type === "null") return value === null;
  return type === undefined || typeof value === type;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
