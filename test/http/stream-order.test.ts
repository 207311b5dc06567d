import { afterEach, beforeEach, expect, test } from "bun:test";
import { Holds } from "../../src/auth/holds.ts";
import { anybody } from "../../src/auth/principal.ts";
import { systemActor } from "../../src/events/catalog.ts";
import { createFilter } from "../../src/events/filter.ts";
import { Hub } from "../../src/events/hub.ts";
import { Connections } from "../../src/http/connections.ts";
import { openStream } from "../../src/http/stream.ts";
import { silentLogger } from "../../src/logger.ts";
import { ByteStream, briefly } from "../support/byte-stream.ts";
import { settle } from "../support/manual-clock.ts";
import { openStorage, type Storage } from "../support/storage.ts";

let storage: Storage;
/** A server that knows nothing but one stream. */
let server: Bun.Server<unknown>;

beforeEach(() => {
  storage = openStorage();
  const { log, clock } = storage;
  const deps = {
    log,
    clock,
    hub: new Hub(log, clock),
    logger: silentLogger,
    connections: new Connections(clock, log, 10),
    holds: new Holds(clock, () => false),
    heartbeatMs: 15_000,
    slowMs: 60_000,
  };
  server = Bun.serve({
    port: 0,
    fetch: ({ signal }) =>
      openStream(deps, {
        transport: "sse",
        filter: createFilter({ events: ["RareHappened"] }),
        position: { seq: 0 },
        resumed: false,
        batchMs: 60_000,
        principal: anybody,
        address: "127.0.0.1",
        systemQueue: () => 0,
        signal,
        idleTimeout() {},
      }),
  });
});

afterEach(async () => {
  await server.stop(true);
  storage.close();
});

test("a gap comes after the events before it, also when those were held back for a batch", async () => {
  const { writer, log, clock } = storage;
  const names = ["RareHappened", ...Array.from({ length: 900 }, () => "ThingHappened"), "RareHappened"];
  await writer.write((tx) =>
    log.append(
      tx,
      names.map((event) => ({ event, data: {}, subject: null, actor: systemActor })),
    ),
  );
  // The first page has been read when the hello is here; the second is lost before it can be.
  const pruned = Promise.withResolvers<void>();
  const read = log.readAfter.bind(log);
  log.readAfter = (...args) => {
    log.readAfter = read;
    pruned.resolve(writer.write((tx) => void log.prune(tx, 901, 1000)));
    return read(...args);
  };
  const stream = await ByteStream.open(server.url.href);
  expect(briefly([await stream.frame()])).toEqual(["ConnectionOpened 0"]);
  await pruned.promise;
  await settle();
  await clock.advance(60_000);
  expect(briefly(await stream.frames(3))).toEqual(["RareHappened 1", "StreamGap 901", "RareHappened 902"]);
  stream.close();
});
