import type { Clock } from "../../src/clock.ts";
import { Hub } from "../../src/events/hub.ts";
import type { InternalJobType } from "../../src/jobs/handler.ts";
import { JobQueue } from "../../src/jobs/queue.ts";
import { silentLogger } from "../../src/logger.ts";
import type { Engines } from "../../src/mcp/engine-backend.ts";
import { Notes } from "../../src/notes/engine.ts";
import { AllowList } from "../../src/webhooks/allow-list.ts";
import { Destinations } from "../../src/webhooks/destinations.ts";
import { Webhooks } from "../../src/webhooks/engine.ts";
import type { Send } from "../../src/webhooks/sending.ts";
import { contentBytesMax } from "./notes.ts";
import type { Storage } from "./storage.ts";

/** Every engine on one database. Nothing works until jobs and webhooks are started; webhooks are sent by `send`. */
export function createEngines(
  { db, writer, log }: Pick<Storage, "db" | "writer" | "log">,
  clock: Clock,
  { internalTypes = [], send = () => new Promise(() => {}) }: { internalTypes?: InternalJobType[]; send?: Send } = {},
): Engines {
  const parts = { db, writer, log, clock, logger: silentLogger };
  return {
    log,
    clock,
    hub: new Hub(log, clock),
    notes: new Notes({ ...parts, contentBytesMax }),
    jobs: new JobQueue({
      ...parts,
      internalTypes,
      externalTypes: [],
      attemptsMax: 1,
      leaseMs: 30_000,
      concurrency: 2,
      waitingMax: 1000,
    }),
    webhooks: new Webhooks({
      ...parts,
      destinations: new Destinations(new AllowList([]), async () => [{ address: "93.184.216.34", family: 4 }], clock),
      send,
      onFailed() {},
      webhooksMax: 10,
      requestsMax: 10,
      random: () => 0,
    }),
  };
}

/** A network where every receiver answers so. */
export function answering(status: number): Send {
  const isSuccess = status >= 200 && status < 300;
  return async () => ({
    at: Date.now(),
    status,
    errorCode: isSuccess ? null : status === 410 ? "gone" : "http_error",
    error: null,
    durations: { total: 1, dns: null, connect: null, tls: null, first_byte: null },
    responseHeaders: {},
    responseBody: "",
  });
}
