import type { Server } from "bun";

/** A connection on which nothing moves for so long is closed. */
export const idleSeconds = 30;

/** Runs what may take longer than that. Its answer has to be taken in time again: whoever takes nothing would hold it for ever. */
export async function patiently<Result>(
  server: Pick<Server<unknown>, "timeout"> | null,
  request: Request,
  work: () => Promise<Result>,
): Promise<Result> {
  server?.timeout(request, 0);
  try {
    return await work();
  } finally {
    server?.timeout(request, idleSeconds);
  }
}
