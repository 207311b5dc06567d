import { Type } from "@sinclair/typebox";
import { requireScopes } from "../auth/principal.ts";
import {
  aiRevision,
  ClaimedJob,
  ClaimJob,
  CompleteJob,
  CreateJob,
  FailJob,
  Job,
  JobPage,
  ListJobs,
  ProgressAnswer,
  ReportProgress,
} from "../jobs/contract.ts";
import { actorOf } from "./actor.ts";
import { emptyAnswer } from "./empty.ts";
import { patiently } from "./idle.ts";
import { jsonText } from "./json.ts";
import { json, operation } from "./operation.ts";
import { pageQuery } from "./page-query.ts";
import { plugin } from "./plugin.ts";
import { queryReader } from "./read-query.ts";
import type { Services } from "./services.ts";

const tag = "jobs";
const path = { id: "Id of the job" };
const located = { Location: "Where it can be read from now on" };

/** Jobs, for those who ask for work, and for the workers outside this process that do it. */
export function jobRoutes({ jobs, gate, polls, config }: Services) {
  const ListOfJobs = Type.Object({ ...ListJobs.properties, ...pageQuery(config.pageItemsMax) });
  const readList = queryReader(ListOfJobs);
  return plugin("jobs")
    .post(
      "/jobs",
      async ({ request, body }) => {
        // Its job writes into a note.
        if (body.type === aiRevision) requireScopes(gate.callerOf(request), ["notes:write"]);
        const { job, created } = await jobs.create(body, actorOf(request));
        return jsonText(JSON.stringify(job), created ? 202 : 200, { location: `/api/v1/jobs/${job.id}` });
      },
      {
        body: CreateJob,
        detail: operation({
          id: "createJob",
          tag,
          summary: "Queue a job",
          answers: {
            200: json("With `deduplicate`: an equal job that waits already", Job, located),
            202: json("The new job", Job, located),
          },
        }),
      },
    )
    .get("/jobs", ({ request }) => jsonText(JSON.stringify(jobs.list(readList(request)))), {
      detail: operation({
        id: "listJobs",
        tag,
        summary: "List jobs, the newest first",
        query: ListOfJobs,
        answers: { 200: json("One page", JobPage) },
      }),
    })
    .get("/jobs/:id", ({ params }) => jsonText(JSON.stringify(jobs.get(params.id))), {
      detail: operation({
        id: "getJob",
        tag,
        summary: "Read a job",
        path,
        answers: { 200: json("The job", Job) },
        errors: ["not_found"],
      }),
    })
    .post(
      "/jobs/:id/cancel",
      async ({ request, params }) => jsonText(JSON.stringify(await jobs.cancel(params.id, actorOf(request)))),
      {
        detail: operation({
          id: "cancelJob",
          tag,
          summary: "Cancel a job that waits or runs",
          description: "The worker of a running one is told at once.",
          path,
          answers: { 200: json("The cancelled job", Job) },
          errors: ["not_found", "conflict"],
        }),
      },
    )
    .post(
      "/jobs/:id/retry",
      async ({ request, params }) => jsonText(JSON.stringify(await jobs.retry(params.id, actorOf(request)))),
      {
        detail: operation({
          id: "retryJob",
          tag,
          summary: "Let a failed or cancelled job begin anew, with all its attempts",
          path,
          answers: { 200: json("The job, queued again", Job) },
          errors: ["not_found", "conflict"],
        }),
      },
    )
    .post(
      "/jobs/claim",
      async ({ request, server, body }) => {
        const principal = gate.callerOf(request);
        const claim = (signal: AbortSignal) => jobs.external.claim(body, signal);
        const job = await patiently(server, request, () => polls.run(principal, request, claim));
        return job ? jsonText(JSON.stringify(job)) : emptyAnswer(204);
      },
      {
        body: ClaimJob,
        detail: operation({
          id: "claimJob",
          tag,
          summary: "Take a job to work on",
          description:
            "For workers outside this process, of the types that `MATRIC_JOB_TYPES` names. The job is leased: a worker that reports no progress for as long as the lease says loses it to another.",
          answers: {
            200: json("A job, and the lease on it", ClaimedJob),
            204: { description: "No job came within `wait_seconds`" },
          },
        }),
      },
    )
    .post(
      "/jobs/:id/progress",
      async ({ params, body }) => jsonText(JSON.stringify(await jobs.external.progress(params.id, body))),
      {
        body: ReportProgress,
        detail: operation({
          id: "reportJobProgress",
          tag,
          summary: "Tell how far a job is, and renew its lease",
          path,
          answers: { 200: json("Whether to go on", ProgressAnswer) },
          errors: ["not_found", "conflict"],
        }),
      },
    )
    .post(
      "/jobs/:id/complete",
      async ({ params, body }) => jsonText(JSON.stringify(await jobs.external.complete(params.id, body))),
      {
        body: CompleteJob,
        detail: operation({
          id: "completeJob",
          tag,
          summary: "Say that a job is done",
          path,
          answers: { 200: json("The completed job", Job) },
          errors: ["not_found", "conflict"],
        }),
      },
    )
    .post("/jobs/:id/fail", async ({ params, body }) => jsonText(JSON.stringify(await jobs.external.fail(params.id, body))), {
      body: FailJob,
      detail: operation({
        id: "failJob",
        tag,
        summary: "Say that an attempt failed",
        description: "Unless `retry` is false, the job runs again while attempts are left.",
        path,
        answers: { 200: json("The job: queued again, or failed for good", Job) },
        errors: ["not_found", "conflict"],
      }),
    });
}
