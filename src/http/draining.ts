import { MatricError } from "../errors.ts";

/** What workers outside this process say about the work they hold: it is welcome until the very end. */
const endsWork = new Set(["progress", "complete", "fail"].map((word) => `/api/v1/jobs/:id/${word}`));

/** For whoever should come back to the next server. */
export function draining(): MatricError {
  return new MatricError("draining", "The server is starting or shutting down; try again in a few seconds.", {
    retry_after_seconds: 5,
  });
}

/** Refuses new changes while the server shuts down. Reading goes on, and streams say for themselves when to come back. */
export function refuseWhileDraining(method: string, route: string): void {
  if (method === "GET" || method === "HEAD" || endsWork.has(route)) return;
  throw draining();
}
