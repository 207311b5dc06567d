import type { Clock } from "./clock.ts";
import type { Config } from "./config.ts";
import { openDb } from "./db/open.ts";
import { Writer } from "./db/writer.ts";
import { Hub } from "./events/hub.ts";
import { Publisher } from "./events/publish.ts";
import { Retention } from "./events/retention.ts";
import { SqliteLog } from "./events/sqlite-log.ts";
import { transientText } from "./events/transient.ts";
import { Connections } from "./http/connections.ts";
import { createServer, listen } from "./http/server.ts";
import type { Services } from "./http/services.ts";
import type { Logger } from "./logger.ts";

const dayMs = 86_400_000;

/** What the outside gives: time, network and a place for words. */
export interface Outside {
  clock: Clock;
  logger: Logger;
  fetch: typeof fetch;
  version: string;
}

export interface App {
  /** Where the server can be reached; the port is the real one. */
  readonly url: URL;
  /** Drains and closes everything, in order; calling it again waits for the same end. */
  stop(): Promise<void>;
}

/** Puts matric together and starts it: the only place where the parts meet. */
export function createApp(config: Config, { clock, logger, version }: Outside): App {
  const db = openDb(config.dataDir, config.durability);
  const writer = new Writer(db, logger.as("matric::db"));
  const log = new SqliteLog(db, clock);
  const hub = new Hub(log, clock);
  const connections = new Connections(clock, log, config.connectionsMax);
  const retention = new Retention({
    log,
    writer,
    clock,
    logger: logger.as("matric::events"),
    keepMs: config.retentionDays * dayMs,
    keepEvents: config.retentionEvents,
  });
  let isReady = true;
  const services: Services = {
    config,
    clock,
    logger: logger.as("matric::http"),
    log,
    hub,
    publisher: new Publisher(log, writer),
    connections,
    version,
    queueStatus: () => transientText(clock, "QueueStatus", { queue_depth: 0, pending: 0, running: 0, paused: false }),
    isReady: () => isReady,
  };
  const server = createServer(services);
  const url = listen(server, services);
  connections.start();
  retention.start();

  const stop = async () => {
    isReady = false;
    connections.stop();
    await retention.stop();
    writer.stop();
    await server.server?.stop(true);
    db.close();
  };
  let stopping: Promise<void> | undefined;
  return { url, stop: () => (stopping ??= stop()) };
}
