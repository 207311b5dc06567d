import { type Static, Type } from "@sinclair/typebox";
import { Job, ListJobs } from "../../jobs/contract.ts";
import { defineTool, reads } from "../tool.ts";

const resultCharsMax = 8_000;
const listedMax = 100;
const listedDefault = 20;

const strict = { additionalProperties: false };
const JobId = Type.String({ maxLength: 64, description: "Id of the job" });

/** A job whose result is left out when it is very long. */
export const JobView = Type.Object({
  ...Job.properties,
  omitted: Type.Optional(Type.String({ description: "Set when the result was too long for a list" })),
});

export function jobView(job: Job): Static<typeof JobView> {
  const chars = JSON.stringify(job.result ?? null).length;
  if (chars <= resultCharsMax) return job;
  return { ...job, result: null, omitted: `result is left out: it is ${chars} characters long; get_job has it all` };
}

export const jobTools = [
  defineTool({
    name: "get_job",
    title: "Get a job",
    description:
      "Reads a job: its status, how far it is, and its result. To wait for its end call wait_for_events as revise_note tells.",
    input: Type.Object({ id: JobId }, strict),
    output: Type.Object(Job.properties),
    annotations: reads,
    run: ({ id }, backend, caller) => backend.getJob(id, caller),
  }),
  defineTool({
    name: "list_jobs",
    title: "List jobs",
    description: "Lists jobs, the newest first.",
    input: Type.Object(
      {
        ...ListJobs.properties,
        limit: Type.Optional(
          Type.Integer({ minimum: 1, maximum: listedMax, description: `At most so many jobs (default ${listedDefault})` }),
        ),
      },
      strict,
    ),
    output: Type.Object({
      jobs: Type.Array(JobView),
      next_cursor: Type.Union([Type.String(), Type.Null()], { description: "Null on the last page" }),
    }),
    annotations: reads,
    async run({ limit = listedDefault, ...query }, backend, caller) {
      const { items, next_cursor } = await backend.listJobs({ limit, ...query }, caller);
      return { jobs: items.map(jobView), next_cursor };
    },
  }),
  defineTool({
    name: "cancel_job",
    title: "Cancel a job",
    description: "Cancels a job that waits or runs. One that has ended already is not changed: the error tells how it ended.",
    input: Type.Object({ id: JobId }, strict),
    output: JobView,
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false },
    async run({ id }, backend, caller) {
      return jobView(await backend.cancelJob(id, caller));
    },
  }),
];
