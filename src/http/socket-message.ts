import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { invalid, MatricError } from "../errors.ts";
import { mismatch } from "../mismatch.ts";

export const Ref = Type.Optional(
  Type.Union([Type.String({ maxLength: 200 }), Type.Number()], { description: "Comes back in the answer" }),
);
const List = Type.Optional(Type.Union([Type.String(), Type.Array(Type.String())]));
/** A bare sequence number is as often written without quotes. */
const Since = Type.Union([Type.String(), Type.Integer({ minimum: 0 })]);
const interest = { ref: Ref, topics: List, events: List, note_id: List, job_id: List };

export const Subscribe = Type.Object(
  { op: Type.Literal("subscribe"), ...interest, since: Type.Optional(Since) },
  { additionalProperties: false, description: "Adds a filter; with `since`, its history first" },
);
export const Unsubscribe = Type.Object(
  { op: Type.Literal("unsubscribe"), ...interest },
  {
    additionalProperties: false,
    description: "Takes the equal filter away, or what one list names out of all filters; without any field, all of them",
  },
);
export type Subscribe = Static<typeof Subscribe>;
export type Unsubscribe = Static<typeof Unsubscribe>;
export const Ping = Type.Object(
  { op: Type.Literal("ping"), ref: Ref },
  { additionalProperties: false, description: "Asks whether the server is there" },
);
export const Auth = Type.Object(
  { op: Type.Literal("auth"), ref: Ref, token: Type.String() },
  { additionalProperties: false, description: "Shows an access token" },
);

/** By `op`. */
export const socketMessages = { subscribe: Subscribe, unsubscribe: Unsubscribe, ping: Ping, auth: Auth };
export type SocketMessage = Static<(typeof socketMessages)[keyof typeof socketMessages]>;

/** Reads what a client sent. Throws `malformed` or `invalid` in words for whoever wrote the client. */
export function parseSocketMessage(text: string): SocketMessage {
  const message = parseObject(text);
  const { op } = message;
  if (typeof op !== "string" || !Object.hasOwn(socketMessages, op)) {
    throw invalid("op", `op must be one of ${Object.keys(socketMessages).join(", ")}.`);
  }
  const schema = socketMessages[op as keyof typeof socketMessages];
  if (Value.Check(schema, message)) return message;
  throw mismatch(Value.Errors(schema, message).First(), "The message");
}

/** The `ref` of a message that may be wrong in every other respect, so that even the error can be told apart. */
export function refOf(text: string): string | number | undefined {
  try {
    const { ref } = parseObject(text);
    return typeof ref === "string" || typeof ref === "number" ? ref : undefined;
  } catch {
    return undefined;
  }
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new MatricError("malformed", "A message must be a JSON object, or the bare word refresh.", {}, { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new MatricError("malformed", "A message must be a JSON object, or the bare word refresh.");
  }
  return value as Record<string, unknown>;
}
