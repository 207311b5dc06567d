import {
  ClaimedJob,
  type ClaimJob,
  type CompleteJob,
  type CreateJob,
  type FailJob,
  Job,
  JobPage,
  type ListJobs,
  ProgressAnswer,
  QueueStatus,
  type ReportProgress,
} from "../jobs/contract.ts";
import type { Api } from "./api.ts";
import { segment } from "./base-url.ts";

const jobs = "api/v1/jobs";
const one = (id: string) => `${jobs}/${segment(id)}`;
/** Beyond the time that a claim waits on the server. */
const claimSlackMs = 10_000;

/** Jobs, for those who ask for work and for those who do it. */
export class JobsApi {
  constructor(private readonly api: Api) {}

  /** With `deduplicate` the job can be one that waits already. */
  create(job: CreateJob, signal?: AbortSignal): Promise<Job> {
    return this.api.json("POST", jobs, Job, { body: job, signal });
  }

  list({ status, type, note_id, limit, cursor }: ListJobs = {}, signal?: AbortSignal): Promise<JobPage> {
    return this.api.json("GET", jobs, JobPage, { query: { status, type, note_id, limit, cursor }, signal });
  }

  get(id: string, signal?: AbortSignal): Promise<Job> {
    return this.api.json("GET", one(id), Job, { signal });
  }

  cancel(id: string, signal?: AbortSignal): Promise<Job> {
    return this.api.json("POST", `${one(id)}/cancel`, Job, { signal });
  }

  retry(id: string, signal?: AbortSignal): Promise<Job> {
    return this.api.json("POST", `${one(id)}/retry`, Job, { signal });
  }

  /** Takes a job to work on; undefined when none came within `wait_seconds`. */
  claim(request: ClaimJob, signal?: AbortSignal): Promise<ClaimedJob | undefined> {
    const timeoutMs = (request.wait_seconds ?? 0) * 1000 + claimSlackMs;
    return this.api.maybe("POST", `${jobs}/claim`, ClaimedJob, { body: request, signal, timeoutMs });
  }

  /** Also renews the lease. The answer tells whether the job was cancelled meanwhile. */
  progress(id: string, report: ReportProgress, signal?: AbortSignal): Promise<ProgressAnswer> {
    return this.api.json("POST", `${one(id)}/progress`, ProgressAnswer, { body: report, signal });
  }

  complete(id: string, outcome: CompleteJob = {}, signal?: AbortSignal): Promise<Job> {
    return this.api.json("POST", `${one(id)}/complete`, Job, { body: outcome, signal });
  }

  fail(id: string, outcome: FailJob, signal?: AbortSignal): Promise<Job> {
    return this.api.json("POST", `${one(id)}/fail`, Job, { body: outcome, signal });
  }
}

/** The queue as a whole. */
export class QueueApi {
  constructor(private readonly api: Api) {}

  status(signal?: AbortSignal): Promise<QueueStatus> {
    return this.api.json("GET", "api/v1/queue", QueueStatus, { signal });
  }

  /** Workers take no more jobs; what runs goes on. */
  pause(signal?: AbortSignal): Promise<QueueStatus> {
    return this.api.json("POST", "api/v1/queue/pause", QueueStatus, { signal });
  }

  resume(signal?: AbortSignal): Promise<QueueStatus> {
    return this.api.json("POST", "api/v1/queue/resume", QueueStatus, { signal });
  }
}
