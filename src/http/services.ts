import type { Access } from "../auth/access.ts";
import type { Clock } from "../clock.ts";
import type { Config } from "../config.ts";
import type { Hub } from "../events/hub.ts";
import type { EventLog } from "../events/log.ts";
import type { Publisher } from "../events/publish.ts";
import type { JobQueue } from "../jobs/queue.ts";
import type { Logger } from "../logger.ts";
import type { McpHost } from "../mcp/host.ts";
import type { Notes } from "../notes/engine.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Webhooks } from "../webhooks/engine.ts";
import type { Gate } from "./auth.ts";
import type { BodyReader } from "./body.ts";
import type { Connections } from "./connections.ts";
import type { RateLimit, Refusals } from "./limits.ts";
import type { Polls } from "./limits-polls.ts";
import type { SocketData } from "./socket-data.ts";

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
  access: Access;
  /** Who made a request that was let in. */
  gate: Gate;
  bodies: BodyReader;
  polls: Polls;
  /** How often each limit was reached. */
  refusals: Refusals;
  /** Of requests and messages by token; undefined where nobody shows one. */
  tokenRate: RateLimit | undefined;
  /** Of requests and messages by address; undefined where addresses are not counted. */
  addressRate: RateLimit | undefined;
  /** Where a request comes from. */
  addressOf: (request: Request) => string;
  /** Tells what the operating system holds for whoever sent the request. */
  systemQueueOf: (request: Request) => () => number;
  /** Makes a WebSocket of a request; false when it is no valid handshake. */
  upgrade: (request: Request, data: SocketData) => boolean;
  /** Undefined where nobody wants to know. */
  telemetry: Telemetry | undefined;
  version: string;
  /** The text of a `QueueStatus` as of now. */
  queueStatus: () => string;
  /** False while starting and while shutting down. */
  isReady: () => boolean;
  /** Aborted when the server begins to shut down: who waits for something gets an answer now. */
  stopping: AbortSignal;
}
