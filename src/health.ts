import { type Static, Type } from "@sinclair/typebox";
import { QueueStatus } from "./jobs/contract.ts";

/** The answer to `GET /health`. */
export const Health = Type.Object(
  {
    status: Type.String({ description: "`ok`, or `draining` while starting or shutting down" }),
    version: Type.String({ description: "Version of the server" }),
    uptime_seconds: Type.Number(),
    log: Type.Object(
      {
        head: Type.String({ description: "Id of the newest event" }),
        oldest: Type.String({ description: "Id of the oldest event that is kept" }),
        epoch: Type.String({ description: "The present life of the log" }),
      },
      { description: "The log of events" },
    ),
    queue: QueueStatus,
    oldest_job_seconds: Type.Number({ description: "How long the oldest waiting job has waited; 0 when none does" }),
    webhooks: Type.Object(
      {
        active: Type.Integer(),
        failed: Type.Integer(),
        disabled: Type.Integer(),
        pending: Type.Integer({ description: "Deliveries that are under way, wait for a retry or are held" }),
      },
      { description: "Webhooks by status" },
    ),
    storage_bytes: Type.Integer({ description: "Size of the database and its write-ahead log" }),
    reviser: Type.Object(
      {
        kind: Type.Union([Type.Literal("model"), Type.Literal("builtin")], {
          description: "`builtin` tidies the Markdown, without any model",
        }),
        model: Type.String({ description: "Name of the model, or `builtin-tidy`" }),
      },
      { description: "What revises notes" },
    ),
    connections: Type.Record(Type.String(), Type.Integer(), { description: "Open streams by transport" }),
  },
  { description: "How the server is" },
);
export type Health = Static<typeof Health>;

/** The answer to `GET /health/ready`. */
export const Readiness = Type.Object({
  status: Type.String({ description: "`ready`, or `draining` while starting or shutting down" }),
});
