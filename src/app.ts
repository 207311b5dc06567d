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
import { QueueSnapshots } from "./http/queue-snapshots.ts";
import { closeServer, createServer, listen } from "./http/server.ts";
import type { Services } from "./http/services.ts";
import { aiRevisionType } from "./jobs/ai-revision/job.ts";
import { OpenAiReviser } from "./jobs/ai-revision/openai-reviser.ts";
import type { Reviser } from "./jobs/ai-revision/reviser.ts";
import { TidyReviser } from "./jobs/ai-revision/tidy-reviser.ts";
import { JobQueue } from "./jobs/queue.ts";
import type { Logger } from "./logger.ts";
import { Notes } from "./notes/engine.ts";

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

/**
 * Puts matric together and starts it: the only place where the parts meet. Rejects with what is wrong with the configuration,
 * the data directory or the address.
 */
export async function createApp(config: Config, { clock, logger, fetch, version }: Outside): Promise<App> {
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
  const notes = new Notes({ db, writer, log, clock, contentBytesMax: config.bodyBytesMax });
  const reviser = createReviser(config, clock, fetch);
  const jobs = new JobQueue({
    db,
    writer,
    log,
    clock,
    logger: logger.as("matric::jobs"),
    internalTypes: [aiRevisionType(notes, reviser)],
    externalTypes: config.jobTypes,
    attemptsMax: config.jobAttempts,
    leaseMs: config.jobLeaseSeconds * 1000,
    concurrency: config.jobConcurrency,
  });
  const queueStatus = () => transientText(clock, "QueueStatus", jobs.status());
  const queueSnapshots = new QueueSnapshots(hub, clock, queueStatus);
  jobs.onDepthChange(() => queueSnapshots.changed());
  let isReady = false;
  const services: Services = {
    config,
    clock,
    logger: logger.as("matric::http"),
    log,
    hub,
    publisher: new Publisher(log, writer),
    connections,
    notes,
    jobs,
    version,
    queueStatus,
    isReady: () => isReady,
  };
  const server = createServer(services);

  const stop = async () => {
    isReady = false;
    connections.stop();
    queueSnapshots.stop();
    await jobs.stop({ graceMs: config.drainSeconds * 1000 });
    await reviser.stop();
    await retention.stop();
    writer.stop();
    await closeServer(server, clock);
    db.close();
  };
  let stopping: Promise<void> | undefined;
  const stopOnce = () => (stopping ??= stop());

  try {
    const url = listen(server, services);
    connections.start();
    retention.start();
    await jobs.start();
    isReady = true;
    return { url, stop: stopOnce };
  } catch (error) {
    await stopOnce();
    throw error;
  }
}

function createReviser(
  { aiUrl, aiModel, aiKey, aiIdleSeconds, aiTotalSeconds }: Config,
  clock: Clock,
  fetch: Outside["fetch"],
): Reviser {
  if (!aiUrl || !aiModel) return new TidyReviser(clock);
  const limits = { idleMs: aiIdleSeconds * 1000, totalMs: aiTotalSeconds * 1000 };
  return new OpenAiReviser({ url: aiUrl, model: aiModel, key: aiKey, fetch, clock, ...limits });
}
