import { type InternalJobType, JobError } from "../jobs/handler.ts";
import type { Tracing } from "../tracing.ts";

/** The same job type, each attempt a span that goes on with the trace of what asked for the job, also after a restart. */
export function withJobSpans(type: InternalJobType, tracing: Tracing): InternalJobType {
  return {
    ...type,
    accept: (request) => type.accept(request),
    async run(job, context) {
      const span = tracing.begin(`process ${type.type}`, {
        kind: "consumer",
        parent: context.trace,
        attributes: {
          "messaging.system": "matric",
          "messaging.operation.name": "process",
          "messaging.operation.type": "process",
          "messaging.destination.name": type.type,
          "messaging.message.id": job.id,
          "matric.job.attempt": context.attempt,
        },
      });
      let errorType: string | undefined;
      try {
        return await tracing.within(span.context, () => type.run(job, context));
      } catch (error) {
        errorType = context.signal.aborted ? "aborted" : error instanceof JobError ? error.failure.errorCode : "internal";
        throw error;
      } finally {
        span.end(errorType);
      }
    },
  };
}
