import { type TObject, type TSchema, Type } from "@sinclair/typebox";
import type { DocumentDecoration } from "elysia";
import type { ErrorCode } from "../errors.ts";
import { Problem, problemStatus, problemTitle } from "./problem.ts";

/** The groups of routes, as the API's documents show them. */
export const tags = {
  notes: "Markdown notes, their versions and their revision by AI",
  jobs: "Background work, for those who ask for it and for the workers that do it",
  queue: "The queue as a whole",
  events: "The log of everything that happened: publishing to it, reading it, following it",
  webhooks: "URLs that are sent events, signed and retried, and what was sent to them",
  access: "Access tokens, and how browsers sign in",
  operations: "Whether the server is well, and what it offers",
};

export interface Answer {
  description: string;
  /** Media type and what the body is; none for an answer without a body. */
  content?: Record<string, TSchema>;
  headers?: Record<string, string>;
}

export interface Operation {
  /** The name that generated clients give to it: `createNote`. */
  id: string;
  tag: keyof typeof tags;
  summary: string;
  description?: string;
  /** The parts of the path, with what they are. */
  path?: Record<string, string>;
  query?: TObject;
  headers?: TObject;
  /** By status. */
  answers: Record<number, Answer>;
  /** Refusals of this route; those that any route can give are added by themselves. */
  errors?: readonly ErrorCode[];
}

/** An answer that is JSON. */
export function json(description: string, schema: TSchema, headers?: Record<string, string>): Answer {
  const answer: Answer = { description, content: { "application/json": schema } };
  return headers ? { ...answer, headers } : answer;
}

/** What the API's document says of a route. Documentation only: nothing is checked by it. */
export function operation({ id, tag, summary, description, path = {}, query, headers, answers, errors = [] }: Operation) {
  const inPath = Object.entries(path).map(([name, what]) => parameter("path", name, Type.String({ description: what }), true));
  const responses = Object.entries(answers).map(([status, answer]) => [status, response(answer)]);
  const detail: DocumentDecoration = {
    operationId: id,
    tags: [tag],
    summary,
    parameters: [...inPath, ...parameters("query", query), ...parameters("header", headers)],
    responses: { ...Object.fromEntries(responses), ...problemResponses(errors) },
  };
  return description === undefined ? detail : { ...detail, description };
}

/** The error answers with these codes, by status. */
export function problemResponses(codes: readonly ErrorCode[]) {
  const byStatus = Map.groupBy(codes, problemStatus);
  const entries = [...byStatus].map(([status, those]) => {
    const description = those.map((code) => `${problemTitle(code)} (\`${code}\`)`).join(", ");
    return [status, { description, content: { "application/problem+json": { schema: Problem } } }] as const;
  });
  return Object.fromEntries(entries);
}

function parameters(place: "query" | "header", schema: TObject | undefined) {
  return Object.entries(schema?.properties ?? {}).map(([name, property]) =>
    parameter(place, name, property, schema?.required?.includes(name) ?? false),
  );
}

function parameter(place: string, name: string, { description, ...schema }: TSchema, required: boolean) {
  return { in: place, name, required, schema, ...(description === undefined ? {} : { description }) };
}

function response({ description, content = {}, headers = {} }: Answer) {
  const bodies = Object.entries(content).map(([type, schema]) => [type, { schema }]);
  const fields = Object.entries(headers).map(([name, what]) => [name, { description: what, schema: { type: "string" } }]);
  return {
    description,
    ...(bodies.length > 0 ? { content: Object.fromEntries(bodies) } : {}),
    ...(fields.length > 0 ? { headers: Object.fromEntries(fields) } : {}),
  };
}
