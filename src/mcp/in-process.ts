import type { ServerEventBus } from "@modelcontextprotocol/server";
import { callTool, waitingCall } from "./call-tool.ts";
import { ResourceChanges } from "./changes.ts";
import { type EndpointFactory, type EndpointOptions, McpEndpoint } from "./endpoint.ts";
import { EngineBackend, type Engines } from "./engine-backend.ts";
import { createProtocolServer } from "./server.ts";
import { Waiters } from "./waiters.ts";

export interface InProcessOptions extends Omit<EndpointOptions, "factory" | "bus"> {
  engines: Engines;
  version: string;
  waitersMax: number;
}

export interface InProcess {
  endpoint: McpEndpoint;
  waiters: Waiters;
}

/** The endpoint over the engines of this process. */
export function createInProcess({ engines, version, waitersMax, ...options }: InProcessOptions): InProcess {
  const { clock, logger, onLimit } = options;
  const backend = new EngineBackend(engines);
  const changes = new ResourceChanges(backend, clock);
  const waiters = new Waiters(waitersMax, onLimit);
  const deps = { backend, changes, waiters, logger, version };
  const factory: EndpointFactory = async ({ era, requestInfo, authInfo }, message) => {
    if (era === "legacy" || !requestInfo) return createProtocolServer(deps);
    const waiting = waitingCall(message);
    // Before the server for it is made: an agent that waits then costs half of the memory.
    const answer = waiting && (await callTool(waiting, { authInfo, signal: requestInfo.signal }, deps));
    // A request of the present revision names its method in a header, which the SDK has compared with the message.
    return createProtocolServer({ ...deps, answer }, requestInfo.headers.get("mcp-method"));
  };
  const bus: ServerEventBus = {
    publish() {},
    subscribe: (listener) => changes.subscribe((uri) => listener({ kind: "resource_updated", uri })),
  };
  return { endpoint: new McpEndpoint({ ...options, factory, bus }), waiters };
}
