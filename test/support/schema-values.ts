import fc from "fast-check";

/** JSON Schema, as far as the API's documents use it. */
export interface Schema {
  $ref?: string;
  type?: string;
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  patternProperties?: Record<string, Schema>;
  items?: Schema;
  minItems?: number;
  maxItems?: number;
  pattern?: string;
  format?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
}

const extraItemsMax = 3;
const stringLengthMost = 200;

/** What many programs cannot take, as any part of a JSON text. */
const hostile: unknown[] = [
  "",
  " ",
  "\u0000",
  "\ud800",
  "\u202e\ufeff",
  "x".repeat(20_000),
  "../../etc/passwd",
  "'; DROP TABLE notes; --",
  "%00%0d%0a",
  -1,
  0.5,
  1e308,
  -0,
  2 ** 53,
  null,
  true,
  [],
  {},
  JSON.parse('{"__proto__":{"admin":true}}'),
  JSON.parse(`${"[".repeat(200)}${"]".repeat(200)}`),
];
export const hostileValues = fc.oneof(fc.constantFrom(...hostile), fc.jsonValue({ maxDepth: 3 }));

/** Values that a schema allows; `resolve` finds what a reference means. */
export function valuesOf(schema: Schema, resolve: (reference: string) => Schema): fc.Arbitrary<unknown> {
  const of = (part: Schema) => valuesOf(part, resolve);
  if (schema.$ref !== undefined) return of(resolve(schema.$ref));
  if ("const" in schema) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(of));
  switch (schema.type) {
    case "object":
      return objectsOf(schema, of);
    case "array": {
      const { minItems: minLength = 0, maxItems = Number.POSITIVE_INFINITY } = schema;
      return fc.array(of(schema.items ?? {}), { minLength, maxLength: Math.min(maxItems, minLength + extraItemsMax) });
    }
    case "string":
      return stringsOf(schema);
    case "integer":
      return fc.integer(boundsOf(schema));
    case "number": {
      const { min, max } = boundsOf(schema);
      return fc.double({ min, max, noNaN: true });
    }
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    default:
      return fc.jsonValue({ maxDepth: 3 });
  }
}

function objectsOf({ properties, required = [], patternProperties }: Schema, of: (part: Schema) => fc.Arbitrary<unknown>) {
  const [anything] = Object.values(patternProperties ?? {});
  if (!properties)
    return fc.dictionary(fc.string({ maxLength: 20 }), anything ? of(anything) : fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 });
  const fields = Object.fromEntries(Object.entries(properties).map(([name, part]) => [name, of(part)]));
  return fc.record<Record<string, unknown>>(fields, { requiredKeys: required.filter((name) => name in fields) });
}

function stringsOf({ pattern, format, minLength = 0, maxLength = stringLengthMost }: Schema): fc.Arbitrary<string> {
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern));
  if (format === "date-time")
    return fc.date({ noInvalidDate: true, min: new Date(0), max: new Date("2100-01-01") }).map((date) => date.toISOString());
  return fc.string({
    unit: fc.oneof(
      fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 1 }),
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }),
    ),
    minLength,
    maxLength: Math.min(maxLength, minLength + stringLengthMost),
  });
}

function boundsOf({ minimum = -1_000_000, maximum = 1_000_000 }: Schema): { min: number; max: number } {
  return { min: minimum, max: Math.max(minimum, maximum) };
}

/** The same with one thing wrong: a field that is missing, unknown, or something hostile. */
export function spoilt(values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc
    .tuple(values, fc.nat(20), hostileValues, fc.constantFrom("replace", "remove", "add", "wrap"))
    .map(([value, at, bad, how]) => {
      if (typeof value !== "object" || value === null || Array.isArray(value)) return how === "wrap" ? [value] : bad;
      const fields = Object.entries(value);
      const name = fields[at % Math.max(1, fields.length)]?.[0] ?? "field";
      if (how === "wrap") return [value];
      if (how === "add") return { ...value, unknown_field: bad };
      if (how === "replace") return { ...value, [name]: bad };
      return Object.fromEntries(fields.filter(([one]) => one !== name));
    });
}
