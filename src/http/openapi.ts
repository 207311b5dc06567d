import { swagger } from "@elysiajs/swagger";
import type { TSchema } from "@sinclair/typebox";
import { type DocumentDecoration, Elysia, type InternalRoute } from "elysia";
import * as auth from "../auth/contract.ts";
import type { ErrorCode } from "../errors.ts";
import { Envelope } from "../events/catalog.ts";
import { EventPage, EventPoll, Published } from "../events/contract.ts";
import { EventType } from "../events/describe.ts";
import { PublishEvent } from "../events/publish.ts";
import { Health } from "../health.ts";
import * as jobs from "../jobs/contract.ts";
import * as notes from "../notes/contract.ts";
import { type Need, needOf, scopesOf } from "./access.ts";
import { ConnectionInfo } from "./connections.ts";
import { isObject, type Json, plainSchema, withReferences } from "./json-schema.ts";
import { problemResponses, tags } from "./operation.ts";
import { Problem } from "./problem.ts";

/** Schemas with a name in the document; wherever one of them is meant, it is referred to. */
const components: Record<string, TSchema> = {
  Note: notes.Note,
  NotePage: notes.NotePage,
  CreateNote: notes.CreateNote,
  UpdateNote: notes.UpdateNote,
  Revision: notes.Revision,
  RevisionPage: notes.RevisionPage,
  ReviseNote: jobs.ReviseNote,
  Job: jobs.Job,
  JobPage: jobs.JobPage,
  CreateJob: jobs.CreateJob,
  ClaimJob: jobs.ClaimJob,
  ClaimedJob: jobs.ClaimedJob,
  Lease: jobs.Lease,
  ReportProgress: jobs.ReportProgress,
  ProgressAnswer: jobs.ProgressAnswer,
  CompleteJob: jobs.CompleteJob,
  FailJob: jobs.FailJob,
  QueueStatus: jobs.QueueStatus,
  Event: Envelope,
  EventPage,
  EventPoll,
  EventType,
  PublishEvent,
  Published,
  Token: auth.Token,
  CreateToken: auth.CreateToken,
  CreatedToken: auth.CreatedToken,
  TokenPage: auth.TokenPage,
  Session: auth.Session,
  Ticket: auth.Ticket,
  ConnectionInfo,
  Health,
  Problem,
};

/** What can go wrong at every address, and with every body. */
const everywhere: readonly ErrorCode[] = [
  "forbidden",
  "rate_limited",
  "headers_too_large",
  "internal",
  "draining",
  "overloaded",
  "storage_full",
  "storage_unavailable",
];
const withQuery: readonly ErrorCode[] = ["invalid"];
const withBody: readonly ErrorCode[] = ["malformed", "request_timeout", "too_large", "unsupported_media_type", "invalid"];

export type Route = Pick<InternalRoute, "method" | "path" | "hooks">;

/**
 * The OpenAPI document of these routes. `@elysiajs/swagger` collects it; what it writes no validator accepts (answers without a
 * description, every body as a form too, schemas of another OpenAPI version), so it is asked about copies of the routes that say
 * just what it should write, and its words are tidied. The copies leave the routes that are served alone.
 */
export async function openApiDocument(routes: readonly Route[], version: string): Promise<{ [key: string]: Json }> {
  const copies = new Elysia();
  for (const { method, path, hooks } of routes)
    copies.route(method, path, () => {}, documentedHook(method, hooks, needOf(method, path) ?? "public"));
  const documentation = {
    info: { title: "matric", version, description: "Notes, AI jobs and one durable event log that every stream reads." },
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
  };
  copies.use(swagger({ path: "/", specPath: "/document", excludeStaticFile: false, documentation }));
  const written = await copies.handle(new Request("http://localhost/document"));
  return tidy(await written.json());
}

function documentedHook(
  method: string,
  { detail = {}, body }: Route["hooks"],
  need: Need,
): {
  detail: DocumentDecoration;
  body: TSchema | undefined;
  parse: "json";
} {
  const { parameters = [], responses } = detail;
  const hasQuery = parameters.some((one: { in?: string }) => one.in === "query");
  const isPublic = need === "public";
  const codes = [
    ...everywhere,
    ...(isPublic ? [] : (["unauthorized", "unreachable"] as const)),
    // Also where nothing is expected in it, a body that comes is read.
    ...(method === "GET" ? [] : withBody),
    ...(hasQuery && method === "GET" ? withQuery : []),
  ];
  // The words of a route itself go before those for all.
  const security = isPublic ? [] : [{ token: [...scopesOf(need)] }];
  return { detail: { ...detail, security, responses: { ...problemResponses(codes), ...responses } }, body, parse: "json" };
}

function tidy(document: unknown): { [key: string]: Json } {
  const plain = plainSchema(document);
  const schemas = Object.entries(components).map(([name, schema]) => [name, plainSchema(schema)] as const);
  const named = new Map(schemas.map(([name, schema]) => [JSON.stringify(schema), name]));
  const refer = (json: Json) => withReferences(json, named, "#/components/schemas/");
  return {
    ...(isObject(plain) ? plain : {}),
    openapi: "3.1.0",
    paths: refer(withOptionalBodies(isObject(plain) ? (plain.paths ?? {}) : {})),
    components: {
      schemas: Object.fromEntries(schemas.map(([name, schema]) => [name, referParts(schema, refer)])),
      securitySchemes: { token: { type: "http", scheme: "bearer", description: "An access token; none where auth is off" } },
    },
  };
}

/** A body whose every field is optional can be left out: an empty one is read as `{}`. */
function withOptionalBodies(json: Json): Json {
  if (!isObject(json)) return json;
  const { requestBody, ...rest } = json;
  if (!isObject(requestBody))
    return Object.fromEntries(Object.entries(json).map(([key, part]) => [key, withOptionalBodies(part)]));
  const isOptional = !JSON.stringify(requestBody).includes('"required":[');
  return { ...rest, requestBody: { ...requestBody, required: !isOptional } };
}

/** A schema is not replaced by a reference to itself; its parts are. */
function referParts(schema: Json, refer: (json: Json) => Json): Json {
  return isObject(schema) ? Object.fromEntries(Object.entries(schema).map(([key, part]) => [key, refer(part)])) : schema;
}
