import type { Config } from "./config.ts";
import { createCore, type Outside } from "./core.ts";
import { databaseBytes } from "./db/size.ts";
import { transientText } from "./events/transient.ts";
import { Gate } from "./http/auth.ts";
import { BodyReader } from "./http/body.ts";
import { certificateFiles } from "./http/certificate.ts";
import { CertificateWatch } from "./http/certificate-watch.ts";
import { Connections } from "./http/connections.ts";
import { RateLimit, Refusals } from "./http/limits.ts";
import { addressReader } from "./http/limits-address.ts";
import { Polls } from "./http/limits-polls.ts";
import { Listener } from "./http/listener.ts";
import { QueueSnapshots } from "./http/queue-snapshots.ts";
import { createServer } from "./http/server.ts";
import type { Services } from "./http/services.ts";
import { SystemQueues } from "./http/system-queues.ts";
import { McpHost } from "./mcp/host.ts";
import { isLoopback } from "./setting.ts";
import { Telemetry } from "./telemetry/telemetry.ts";

/** From one address, where addresses tell clients apart. */
const addressDefaults = { connectionsMax: 1000, requestsMax: 10_000 };

export interface App {
  /** Where the server can be reached; the port is the real one. */
  readonly url: URL;
  /** Everything that can be asked of it. */
  readonly routes: readonly { method: string; path: string }[];
  /** The token that was made because auth is on and there was none: nobody can be told of it again. */
  readonly firstToken: string | undefined;
  /** Has the log tell all that has happened so far, instead of a moment later. */
  tell(): void;
  /** Drains and closes everything, in order; calling it again waits for the same end. */
  stop(): Promise<void>;
}

/**
 * Puts the server together and starts it: the engines are put together by `core.ts`, everything else here. Rejects with what is
 * wrong with the configuration, the data directory or the address.
 */
export async function createApp(config: Config, outside: Outside): Promise<App> {
  const telemetry = config.telemetry === "on" ? await createTelemetry(config, outside) : undefined;
  const { clock, version } = outside;
  const logger = telemetry?.logger ?? outside.logger;
  const files = certificateFiles(config);
  const certificates = files && new CertificateWatch({ files, clock, logger: logger.as("matric::http") });
  const core = createCore(config, { ...outside, logger }, telemetry);
  const { log, hub, publisher, notes, jobs, webhooks } = core;
  const { access } = core;
  // On a machine of one's own all clients share an address, unless a proxy says whom it speaks for.
  const isShared = isLoopback(config.host) && !access.isOn && config.trustedProxies.length === 0;
  const perAddressMax = config.addressConnectionsMax ?? (isShared ? config.connectionsMax : addressDefaults.connectionsMax);
  const connections = new Connections(clock, log, config.connectionsMax, perAddressMax);
  const tokenRate = new RateLimit(config.tokenRequestsMax, clock, "requests_per_token");
  const bodies = new BodyReader({ clock, bytesMax: config.bodyBytesMax, withinMs: config.bodySeconds * 1000 });
  const refusals = new Refusals();
  const addressRequestsMax = config.addressRequestsMax ?? (isShared ? 0 : addressDefaults.requestsMax);
  const addressRate = new RateLimit(addressRequestsMax, clock, "requests_per_address");
  if (telemetry) connections.onWord(telemetry.mirror.takeTransient);
  const mcp = new McpHost({
    engines: core,
    clock,
    logger: logger.as("matric::mcp"),
    version,
    waitersMax: config.mcpWaitersMax,
    sessionsMax: config.mcpSessionsMax,
    readBody: (request) => bodies.bytes(request),
    onLimit: (name) => refusals.count(name),
  });
  const queueStatus = () => transientText(clock, "QueueStatus", jobs.status());
  const queueSnapshots = new QueueSnapshots(hub, clock, () => {
    telemetry?.mirror.takeTransient("QueueStatus", jobs.status());
    return queueStatus();
  });
  jobs.onDepthChange(() => queueSnapshots.changed());
  const systemQueues = new SystemQueues(clock);
  let isReady = false;
  const stopping = new AbortController();
  const services: Services = {
    config,
    clock,
    logger: logger.as("matric::http"),
    log,
    hub,
    publisher,
    connections,
    notes,
    jobs,
    webhooks,
    mcp,
    access,
    gate: new Gate({ access, rate: tokenRate }),
    bodies,
    polls: new Polls(access.holds, config.pollsMax, stopping.signal),
    refusals,
    tokenRate: access.isOn ? tokenRate : undefined,
    addressRate: addressRate.isOn ? addressRate : undefined,
    addressOf: addressReader({
      peerOf: (request) => listener.endsOf(request)?.address,
      trustedProxies: config.trustedProxies,
    }),
    systemQueueOf: (request) => {
      const ends = listener.endsOf(request);
      return () => (ends ? systemQueues.bytesTo(ends) : 0);
    },
    upgrade: (request, data) => listener.upgrade(request, data),
    telemetry,
    version,
    queueStatus,
    isReady: () => isReady,
    stopping: stopping.signal,
  };
  const server = createServer(services);
  const listener = new Listener(server, services);
  const stop = async () => {
    isReady = false;
    // What was acknowledged reaches those who listen before they are told to come back.
    hub.flush();
    connections.stop();
    bodies.stop();
    certificates?.stop();
    stopping.abort();
    queueSnapshots.stop();
    await mcp.stop();
    await core.drain();
    await listener.close();
    await telemetry?.stop();
    core.close();
  };
  let stopped: Promise<void> | undefined;
  const stopOnce = () => (stopped ??= stop());

  try {
    const url = listener.start(certificates?.current);
    certificates?.start((certificate) => listener.renew(certificate));
    connections.start();
    bodies.start();
    telemetry?.start({
      queue: () => jobs.status(),
      queueAgeMs: () => jobs.oldestWaitingMs(),
      log: () => ({ head: log.head(), oldest: log.oldest() }),
      storageBytes: () => databaseBytes(config.dataDir),
      streams: () => connections.figures(),
      webhooks: () => webhooks.totals(),
      agents: () => ({ ...mcp.status() }),
      limits: () => refusals.counts(),
    });
    await core.start();
    const firstToken = await core.firstToken();
    isReady = true;
    return { url, routes: server.routes, firstToken, tell: () => telemetry?.mirror.flush(), stop: stopOnce };
  } catch (error) {
    await stopOnce();
    throw error;
  }
}

function createTelemetry(config: Config, { clock, logger, version, otlp, linesDropped = () => 0 }: Outside): Promise<Telemetry> {
  return Telemetry.create({ clock, logger, version, otlp, linesDropped, jobTypes: config.jobTypes });
}
