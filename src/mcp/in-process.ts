import type { McpServerFactory, ServerEventBus } from "@modelcontextprotocol/server";
import type { Clock } from "../clock.ts";
import type { Logger } from "../logger.ts";
import { ResourceChanges } from "./changes.ts";
import { McpEndpoint } from "./endpoint.ts";
import { EngineBackend, type Engines } from "./engine-backend.ts";
import { createProtocolServer } from "./server.ts";
import { Waiters } from "./waiters.ts";

export interface InProcessOptions {
  engines: Engines;
  clock: Clock;
  logger: Logger;
  version: string;
  waitersMax: number;
  sessionsMax: number;
  bodyBytesMax: number;
}

export interface InProcess {
  endpoint: McpEndpoint;
  waiters: Waiters;
}

/** The endpoint over the engines of this process. */
export function createInProcess({
  engines,
  clock,
  logger,
  version,
  waitersMax,
  sessionsMax,
  bodyBytesMax,
}: InProcessOptions): InProcess {
  const backend = new EngineBackend(engines);
  const changes = new ResourceChanges(backend, clock);
  const waiters = new Waiters(waitersMax);
  const deps = { backend, changes, waiters, logger, version };
  // A request of the present revision names its method in a header, which the SDK has compared with the body.
  const factory: McpServerFactory = ({ era, requestInfo }) =>
    createProtocolServer(deps, era === "modern" ? requestInfo?.headers.get("mcp-method") : null);
  const bus: ServerEventBus = {
    publish() {},
    subscribe: (listener) => changes.subscribe((uri) => listener({ kind: "resource_updated", uri })),
  };
  return { endpoint: new McpEndpoint({ factory, bus, clock, logger, sessionsMax, bodyBytesMax }), waiters };
}
