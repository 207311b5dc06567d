import type { ServerEventBus } from "@modelcontextprotocol/server";
import { callTool, waitingCall } from "./call-tool.ts";
import { ResourceChanges } from "./changes.ts";
import { type EndpointFactory, type EndpointOptions, McpEndpoint } from "./endpoint.ts";
import { EngineBackend, type Engines } from "./engine-backend.ts";
import { createProtocolServer } from "./server.ts";
import type { WaitFor } from "./session-server.ts";
import { Waiters } from "./waiters.ts";

export interface InProcessOptions extends Omit<EndpointOptions, "factory" | "waitFor" | "bus"> {
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
  const factory: EndpointFactory = ({ era, requestInfo }, answerOf) =>
    // A request of the present revision names its method in a header, which the SDK has compared with the message.
    createProtocolServer({ ...deps, answerOf }, era === "legacy" ? null : requestInfo?.headers.get("mcp-method"));
  const waitFor: WaitFor = (message) => {
    const call = waitingCall(message);
    return call && ((origin) => callTool(call, origin, deps));
  };
  const bus: ServerEventBus = {
    publish() {},
    subscribe: (listener) => changes.subscribe((uri) => listener({ kind: "resource_updated", uri })),
  };
  return { endpoint: new McpEndpoint({ ...options, factory, waitFor, bus }), waiters };
}
