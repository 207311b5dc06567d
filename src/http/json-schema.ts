/** Any JSON. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/**
 * A TypeBox schema, or a document with several, as plain JSON Schema in the words that generators and viewers understand best:
 * a choice of literals is an `enum`, a record has `additionalProperties`.
 */
export function plainSchema(schema: unknown): Json {
  return plain(JSON.parse(JSON.stringify(schema)));
}

function plain(json: Json): Json {
  if (Array.isArray(json)) return json.map(plain);
  if (typeof json !== "object" || json === null) return json;
  const { $id: _, anyOf, patternProperties, ...rest } = json;
  const schema = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, plain(value)]));
  if (anyOf !== undefined) Object.assign(schema, choice(anyOf));
  if (patternProperties !== undefined) Object.assign(schema, recordOf(patternProperties));
  return schema;
}

function choice(anyOf: Json): { [key: string]: Json } {
  const options = Array.isArray(anyOf) ? anyOf : [];
  const literals = options.flatMap((one) => (isObject(one) && typeof one.const === "string" ? [one.const] : []));
  return literals.length === options.length ? { type: "string", enum: literals } : { anyOf: plain(options) };
}

function recordOf(patternProperties: Json): { [key: string]: Json } {
  const [values] = isObject(patternProperties) ? Object.values(patternProperties) : [];
  return { additionalProperties: plain(values ?? {}) };
}

/** Puts a reference in place of every part of `json` that is one of `named`; `at` is where the document keeps those. */
export function withReferences(json: Json, named: ReadonlyMap<string, string>, at: string): Json {
  if (Array.isArray(json)) return json.map((one) => withReferences(one, named, at));
  if (!isObject(json)) return json;
  const name = named.get(JSON.stringify(json));
  if (name !== undefined) return { $ref: `${at}${name}` };
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, withReferences(value, named, at)]));
}

export function isObject(json: Json | undefined): json is { [key: string]: Json } {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
