import { Access } from "./auth/access.ts";
import { JwtVerifier } from "./auth/jwt.ts";
import { Tokens } from "./auth/tokens.ts";
import type { Clock } from "./clock.ts";
import type { Config } from "./config.ts";
import { openDb } from "./db/open.ts";
import { Writer } from "./db/writer.ts";
import { Hub } from "./events/hub.ts";
import { Publisher } from "./events/publish.ts";
import { Retention } from "./events/retention.ts";
import { SqliteLog } from "./events/sqlite-log.ts";
import { aiRevisionType } from "./jobs/ai-revision/job.ts";
import { OpenAiReviser } from "./jobs/ai-revision/openai-reviser.ts";
import type { Reviser } from "./jobs/ai-revision/reviser.ts";
import { TidyReviser } from "./jobs/ai-revision/tidy-reviser.ts";
import { JobQueue } from "./jobs/queue.ts";
import type { Logger } from "./logger.ts";
import { Notes } from "./notes/engine.ts";
import type { OtlpOptions } from "./telemetry/otlp/options.ts";
import type { Telemetry } from "./telemetry/telemetry.ts";
import { AdminNotice } from "./webhooks/admin-notice.ts";
import { AllowList } from "./webhooks/allow-list.ts";
import { DeliveryRetention } from "./webhooks/delivery-retention.ts";
import { Destinations } from "./webhooks/destinations.ts";
import { Webhooks } from "./webhooks/engine.ts";
import { HttpSender } from "./webhooks/http-sender.ts";
import { createLookup } from "./webhooks/name-lookup.ts";
import { OldDeliveryStore } from "./webhooks/old-delivery-store.ts";

const dayMs = 86_400_000;

/** What the outside gives: time, network and a place for words. */
export interface Outside {
  clock: Clock;
  logger: Logger;
  fetch: typeof fetch;
  version: string;
  /** Where telemetry is sent to, if anywhere. */
  otlp?: OtlpOptions | undefined;
  /** Lines that the place for words had to drop. */
  linesDropped?: () => number;
}

/** The data and the engines that work on it, put together. Nothing listens, nothing works yet. */
export type Core = ReturnType<typeof createCore>;

/** Opens the data directory. Throws what is wrong with it, `already_running` for one. */
export function createCore(config: Config, { clock, logger, fetch }: Outside, telemetry?: Telemetry) {
  const allowList = new AllowList(config.webhookAllow);
  const db = openDb(config.dataDir, config.durability);
  const dbLogger = logger.as("matric::db");
  const writer = telemetry?.writer(db, dbLogger) ?? new Writer(db, dbLogger);
  const log = new SqliteLog(db, clock, telemetry?.traceEvent);
  const hub = new Hub(log, clock);
  if (telemetry) log.onAppend(telemetry.mirror.take);
  const destinations = new Destinations(allowList, createLookup(), clock);
  const sender = new HttpSender({ destinations, clock });
  const webhooksLogger = logger.as("matric::webhooks");
  const notice = new AdminNotice({ clock, logger: webhooksLogger, fetch, url: config.adminNotifyUrl });
  const webhooks = new Webhooks({
    db,
    writer,
    log,
    clock,
    logger: webhooksLogger,
    destinations,
    send: sender.send,
    watchAttempt: telemetry?.watchAttempt,
    onFailed: (webhook, delivery) => notice.webhookFailed(webhook, delivery),
    webhooksMax: config.webhooksMax,
    requestsMax: config.webhookRequestsMax,
  });
  const deliveryRetention = new DeliveryRetention({
    store: new OldDeliveryStore(db),
    writer,
    clock,
    logger: webhooksLogger,
    keepMs: config.deliveryRetentionDays * dayMs,
    keepDelivered: config.deliveriesMax,
  });
  const retention = new Retention({
    log,
    writer,
    clock,
    logger: logger.as("matric::events"),
    keepMs: config.retentionDays * dayMs,
    keepEvents: config.retentionEvents,
    neededFrom: () => webhooks.neededFrom(),
  });
  const authLogger = logger.as("matric::auth");
  const tokens = new Tokens({
    db,
    writer,
    clock,
    logger: authLogger,
    max: config.tokensMax,
    onRevoke: (tx, tokenId) => webhooks.disableOf(tx, tokenId),
  });
  const { jwtIssuer: issuer, jwtAudience: audience } = config;
  const access = new Access({
    isOn: config.auth === "on",
    tokens,
    jwt:
      issuer !== undefined && audience !== undefined
        ? new JwtVerifier({ issuer, audience, fetch, clock, logger: authLogger })
        : undefined,
    clock,
    ticketsMax: config.ticketsMax,
  });
  const notes = new Notes({ db, writer, log, clock, contentBytesMax: config.bodyBytesMax });
  const reviser = createReviser(config, clock, fetch);
  const revision = aiRevisionType(notes, reviser);
  const jobs = new JobQueue({
    db,
    writer,
    log,
    clock,
    logger: logger.as("matric::jobs"),
    internalTypes: [telemetry?.jobType(revision) ?? revision],
    externalTypes: config.jobTypes,
    attemptsMax: config.jobAttempts,
    leaseMs: config.jobLeaseSeconds * 1000,
    concurrency: config.jobConcurrency,
    waitingMax: config.jobsWaitingMax,
  });
  return {
    log,
    hub,
    clock,
    publisher: new Publisher(log, writer),
    notes,
    jobs,
    webhooks,
    access,
    async start(): Promise<void> {
      retention.start();
      deliveryRetention.start();
      await jobs.start();
      webhooks.start();
    },
    /** With auth on, and when there has never been a token: one that may do everything. Undefined otherwise. */
    async firstToken(): Promise<string | undefined> {
      if (!access.isOn || !tokens.isEmpty()) return undefined;
      const { token } = await tokens.create({ name: "first", scopes: ["admin"] });
      return token;
    },
    /** Ends the work, and takes no more of it; reading goes on. */
    async drain(): Promise<void> {
      const graceMs = config.drainSeconds * 1000;
      await Promise.all([jobs.stop({ graceMs }), webhooks.stop({ graceMs })]);
      sender.stop();
      access.stop();
      await reviser.stop();
      await retention.stop();
      await deliveryRetention.stop();
      writer.stop();
    },
    close(): void {
      log.close();
      db.close();
    },
  };
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
