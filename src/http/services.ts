import type { Clock } from "../clock.ts";
import type { Config } from "../config.ts";
import type { Hub } from "../events/hub.ts";
import type { EventLog } from "../events/log.ts";
import type { Publisher } from "../events/publish.ts";
import type { JobQueue } from "../jobs/queue.ts";
import type { Logger } from "../logger.ts";
import type { McpHost } from "../mcp/host.ts";
import type { Notes } from "../notes/engine.ts";
import type { Webhooks } from "../webhooks/engine.ts";
import type { Connections } from "./connections.ts";

/** What the HTTP surfaces stand on; `app.ts` puts it together. */
export interface Services {
  config: Config;
  clock: Clock;
  logger: Logger;
  log: EventLog;
  hub: Hub;
  publisher: Publisher;
  connections: Connections;
  notes: Notes;
  jobs: JobQueue;
  webhooks: Webhooks;
  mcp: McpHost;
  version: string;
  /** The text of a `QueueStatus` as of now. */
  queueStatus: () => string;
  /** False while starting and while shutting down. */
  isReady: () => boolean;
  /** Aborted when the server begins to shut down: who waits for something gets an answer now. */
  stopping: AbortSignal;
}
