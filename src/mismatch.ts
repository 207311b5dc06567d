import type { TSchema } from "@sinclair/typebox";
import { type ValueError, ValueErrorType } from "@sinclair/typebox/errors";
import { invalid, MatricError } from "./errors.ts";

/** Names and values that a client sent are repeated up to this length. */
const shownCharsMax = 80;

/**
 * The refusal of a value that does not fit its schema, in words that say what would fit. `whole` names the value itself ("The
 * body"), for when no field of it is at fault; `at` is where it stands in the request (`2.` for the third of a list).
 */
export function mismatch(error: ValueError | undefined, whole: string, at = ""): MatricError {
  const field = shortened(`${at}${fieldOf(error?.path ?? "")}`.replace(/\.$/, ""));
  const name = field === "" ? whole : field;
  const message = `${name} ${error ? complaint(error) : "is not valid"}.`;
  return field === "" ? new MatricError("invalid", message) : invalid(field, message);
}

function complaint({ type, schema, value }: ValueError): string {
  if (type === ValueErrorType.ObjectRequiredProperty) return `is missing; it must be ${expectation(schema)}`;
  if (type === ValueErrorType.ObjectAdditionalProperties) {
    const known = Object.keys(schema.properties ?? {}).join(", ");
    return `is not known here; ${known === "" ? "no field is" : `the fields are ${known}`}`;
  }
  return `must be ${expectation(schema)}${insteadOf(value)}`;
}

/** What a schema asks for, to follow "must be". */
function expectation(schema: TSchema): string {
  if ("const" in schema) return String(schema.const);
  if (Array.isArray(schema.anyOf)) {
    const isChoice = schema.anyOf.every((one: TSchema) => "const" in one);
    const options = schema.anyOf.map(expectation);
    return isChoice ? `one of ${options.join(", ")}` : options.join(" or ");
  }
  switch (schema.type) {
    case "string":
      return `a string${lengthOf(schema)}`;
    case "integer":
      return `a whole number${range(schema.minimum, schema.maximum, "from ")}`;
    case "number":
      return `a number${range(schema.minimum, schema.maximum, "from ")}`;
    case "boolean":
      return "true or false";
    case "array":
      return `an array${counted(schema.minItems, schema.maxItems, "item")}`;
    case "object":
      return "an object";
    default:
      return String(schema.type ?? "something else");
  }
}

function lengthOf({ minLength, maxLength, pattern, format }: TSchema): string {
  if (pattern !== undefined) return ` that matches ${pattern}`;
  if (format !== undefined) return ` in the form ${format}`;
  return counted(minLength, maxLength, "character");
}

function counted(least: number | undefined, most: number | undefined, unit: string): string {
  const bounds = range(least, most, "of ");
  return bounds === "" ? "" : `${bounds} ${(most ?? least) === 1 ? unit : `${unit}s`}`;
}

/** `between` stands before two bounds: "from 1 to 5", "of 1 to 5". */
function range(least: number | undefined, most: number | undefined, between: string): string {
  if (least !== undefined && most !== undefined) return ` ${between}${least} to ${most}`;
  if (least !== undefined) return ` of at least ${least}`;
  return most === undefined ? "" : ` of at most ${most}`;
}

function insteadOf(value: unknown): string {
  if (typeof value === "object" && value !== null) return "";
  const text = JSON.stringify(value) ?? "";
  return text === "" || text.length > shownCharsMax ? "" : `, not ${text}`;
}

/** A JSON pointer as a dotted path. */
function fieldOf(pointer: string): string {
  return pointer.slice(1).replaceAll("/", ".").replaceAll("~1", "/").replaceAll("~0", "~");
}

function shortened(text: string): string {
  return text.length > shownCharsMax ? `${text.slice(0, shownCharsMax)}…` : text;
}
