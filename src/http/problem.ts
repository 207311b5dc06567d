import { type Static, Type } from "@sinclair/typebox";
import { isStorageFailure, storageError } from "../db/storage-error.ts";
import { type ErrorCode, type LimitName, limitNames, MatricError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { securityHeaders } from "./security-headers.ts";

/** HTTP status and title of each code; the only place where the two meet. */
const statuses: Record<ErrorCode, [status: number, title: string]> = {
  malformed: [400, "Malformed request"],
  unauthorized: [401, "Sign-in needed"],
  forbidden: [403, "Not allowed"],
  not_found: [404, "Not found"],
  method_not_allowed: [405, "Method not allowed"],
  not_acceptable: [406, "Not acceptable"],
  conflict: [409, "Conflict"],
  request_timeout: [408, "Request timeout"],
  version_conflict: [412, "Version conflict"],
  too_large: [413, "Too large"],
  headers_too_large: [431, "Headers too large"],
  unsupported_media_type: [415, "Unsupported media type"],
  invalid: [422, "Invalid request"],
  rate_limited: [429, "Too many requests"],
  draining: [503, "Shutting down"],
  overloaded: [503, "Overloaded"],
  storage_full: [503, "Disk full"],
  storage_unavailable: [503, "Storage unavailable"],
  already_running: [500, "Internal error"],
  address_in_use: [500, "Internal error"],
  unreachable: [502, "Unreachable"],
  timed_out: [504, "Timed out"],
  internal: [500, "Internal error"],
};

const codes = Object.keys(statuses) as ErrorCode[];

/** The body of every error answer (RFC 9457), with matric's stable `code`. */
export const Problem = Type.Object(
  {
    type: Type.String({ format: "uri", description: "`urn:matric:error:` and the code" }),
    title: Type.String({ description: "The kind of problem, for people" }),
    status: Type.Integer({ description: "The status of the answer" }),
    code: Type.Unsafe<ErrorCode>(Type.Union(codes.map((code) => Type.Literal(code)))),
    detail: Type.String({ description: "What is wrong with this request, and what would be right" }),
    field: Type.Optional(Type.String({ description: "The field or parameter that is wrong, as a dotted path" })),
    current_version: Type.Optional(Type.Integer({ description: "With `version_conflict`: the version that is stored now" })),
    retry_after_seconds: Type.Optional(
      Type.Integer({ description: "Try again after so long; the header Retry-After says the same" }),
    ),
    limit: Type.Optional(
      Type.Unsafe<LimitName>(
        Type.Union(
          limitNames.map((name) => Type.Literal(name)),
          { description: "The limit that was reached" },
        ),
      ),
    ),
    scope: Type.Optional(Type.String({ description: "With `forbidden`: the scope that the token would need" })),
  },
  { description: "What went wrong (RFC 9457)" },
);
export type Problem = Static<typeof Problem>;

export function problemStatus(code: ErrorCode): number {
  return statuses[code][0];
}

export function problemTitle(code: ErrorCode): string {
  return statuses[code][1];
}

export function problemOf({ code, message, details }: MatricError): Problem {
  const [status, title] = statuses[code];
  const problem = { type: `urn:matric:error:${code}`, title, status, code, detail: masked(message), ...details };
  return details.field === undefined ? problem : { ...problem, field: masked(details.field) };
}

/** What was sent is told back, and answers end up in the logs of clients: not so a token that was put in the wrong place. */
function masked(text: string): string {
  return text.replace(/\b(mt[rk]_|eyJ)[\w.-]{16,}/g, "$1…");
}

/** Anything that is not ours is logged here, once, and shown as internal; a storage that fails is shown as such. */
export function asMatricError(error: unknown, logger: Logger): MatricError {
  if (error instanceof MatricError) return error;
  if (isStorageFailure(error)) {
    const failure = storageError(error, "The data cannot be read");
    logger.error("storage failed", { "error.code": failure.code, error: String(error) });
    return failure;
  }
  logger.error("unexpected error", { error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  return new MatricError("internal", "Something went wrong on the server; its log tells what.");
}

export function problemResponse(error: MatricError): Response {
  const problem = problemOf(error);
  const headers: Record<string, string> = {
    ...securityHeaders,
    "content-type": "application/problem+json",
    "cache-control": "no-store",
  };
  if (error.details.retry_after_seconds !== undefined) headers["retry-after"] = String(error.details.retry_after_seconds);
  if (error.code === "unauthorized") headers["www-authenticate"] = 'Bearer realm="matric"';
  const { scope } = error.details;
  if (scope !== undefined) headers["www-authenticate"] = `Bearer realm="matric", error="insufficient_scope", scope="${scope}"`;
  // The rest of the body is still on its way: it must not be taken for another request.
  if (error.code === "request_timeout") headers.connection = "close";
  if (error.details.current_version !== undefined) headers.etag = `"${error.details.current_version}"`;
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}
