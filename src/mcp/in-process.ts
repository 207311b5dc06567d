import type { ServerEventBus } from "@modelcontextprotocol/server";
import type { Clock } from "../clock.ts";
import type { Logger } from "../logger.ts";
import { ResourceChanges } from "./changes.ts";
import { McpEndpoint } from "./endpoint.ts";
import { EngineBackend, type Engines } from "./engine-backend.ts";
import { OpenCalls } from "./open-calls.ts";
import { createProtocolServer } from "./server.ts";

export interface InProcessOptions {
  engines: Engines;
  clock: Clock;
  logger: Logger;
  version: string;
  callsMax: number;
  sessionsMax: number;
  bodyBytesMax: number;
}

export interface InProcess {
  endpoint: McpEndpoint;
  calls: OpenCalls;
}

/** The endpoint over the engines of this process. */
export function createInProcess({
  engines,
  clock,
  logger,
  version,
  callsMax,
  sessionsMax,
  bodyBytesMax,
}: InProcessOptions): InProcess {
  const backend = new EngineBackend(engines);
  const changes = new ResourceChanges(backend, clock);
  const calls = new OpenCalls(callsMax);
  const factory = () => createProtocolServer({ backend, changes, calls, logger, version });
  const bus: ServerEventBus = {
    publish() {},
    subscribe: (listener) => changes.subscribe((uri) => listener({ kind: "resource_updated", uri })),
  };
  return { endpoint: new McpEndpoint({ factory, bus, clock, logger, sessionsMax, bodyBytesMax }), calls };
}
