import { systemClock } from "../../src/clock.ts";
import { createLogger, type Logger } from "../../src/logger.ts";

/** A log of which only what went wrong inside the server is kept: nothing that a client does may put a line into it. */
export function errorLog(): { logger: Logger; errors: string[] } {
  const errors: string[] = [];
  const sink = { write: (line: string) => void errors.push(line) };
  return { logger: createLogger({ clock: systemClock, sink, level: "error", format: "json" }), errors };
}
