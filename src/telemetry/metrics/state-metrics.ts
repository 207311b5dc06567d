import { Counter, Gauge, type Registry } from "prom-client";
import type { QueueStatus } from "../../jobs/contract.ts";

/** The streams of one transport. */
export interface StreamFigures {
  open: number;
  /** Of the one that is furthest behind. */
  lagEventsMax: number;
  queuedBytes: number;
}

export interface WebhookTotals {
  byStatus: Readonly<Record<string, number>>;
  /** Deliveries that are under way, wait for a retry or are held. */
  pending: number;
  /** Of the active one that is furthest behind. */
  lagEventsMax: number;
}

/** What is asked whenever somebody wants to know; all of it is cheap. */
export interface StateSources {
  queue(): QueueStatus;
  /** How long the oldest waiting job has waited; 0 when none does. */
  queueAgeMs(): number;
  log(): { head: number; oldest: number };
  /** By file: `db` and `wal`. */
  storageBytes(): Readonly<Record<string, number>>;
  streams(): Readonly<Record<string, StreamFigures>>;
  webhooks(): WebhookTotals;
  /** What agents hold open, by kind. */
  agents(): Readonly<Record<string, number>>;
  /** How often each limit was reached. */
  limits(): ReadonlyMap<string, number>;
}

/** How things stand now. */
export function registerState(registry: Registry, sources: StateSources): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  const gaugeBy = (name: string, help: string, label: string, read: () => Readonly<Record<string, number>>) =>
    new Gauge({
      name,
      help,
      labelNames: [label],
      registers: [registry],
      collect() {
        this.reset();
        for (const [value, count] of Object.entries(read())) this.set({ [label]: value }, count);
      },
    });
  const streams = (read: (figures: StreamFigures) => number) => () =>
    Object.fromEntries(Object.entries(sources.streams()).map(([transport, figures]) => [transport, read(figures)]));

  gaugeBy("matric_queue_depth", "Jobs that wait (pending) and that a worker holds (running).", "state", () => {
    const { pending, running } = sources.queue();
    return { pending, running };
  });
  gauge("matric_queue_oldest_job_age_seconds", "How long the oldest waiting job has waited.", () => sources.queueAgeMs() / 1000);
  gauge("matric_queue_paused", "Whether workers take no more jobs: 1 or 0.", () => (sources.queue().paused ? 1 : 0));

  gaugeBy(
    "matric_connections",
    "Streams that are open.",
    "transport",
    streams(({ open }) => open),
  );
  gaugeBy(
    "matric_subscriber_lag_events",
    "Events that the stream which is furthest behind has not been handed yet.",
    "transport",
    streams(({ lagEventsMax }) => lagEventsMax),
  );
  gaugeBy(
    "matric_subscriber_queued_bytes",
    "What clients have not taken yet, of all streams together.",
    "transport",
    streams(({ queuedBytes }) => queuedBytes),
  );

  gaugeBy("matric_webhooks", "Webhooks by status.", "status", () => sources.webhooks().byStatus);
  gauge(
    "matric_webhook_deliveries_pending",
    "Deliveries that are under way, wait for a retry or are held.",
    () => sources.webhooks().pending,
  );
  gauge(
    "matric_webhook_lag_events",
    "Events that have not been looked at for the active webhook which is furthest behind.",
    () => sources.webhooks().lagEventsMax,
  );

  gaugeBy("matric_agents", "What agents hold open: sessions, streams of notifications, calls that wait.", "kind", () =>
    sources.agents(),
  );

  gauge("matric_log_events", "Events that are kept in the log.", () => {
    const { head, oldest } = sources.log();
    return Math.max(0, head - oldest + 1);
  });
  gauge("matric_log_head", "Sequence number of the newest event.", () => sources.log().head);
  new Counter({
    name: "matric_limit_refusals_total",
    help: "How often something was refused because a limit was reached, by limit.",
    labelNames: ["limit"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [limit, count] of sources.limits()) this.inc({ limit }, count);
    },
  });
  gaugeBy("matric_storage_bytes", "Size of the database and of its write-ahead log.", "file", () => sources.storageBytes());
}
