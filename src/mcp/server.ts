import {
  type CacheHint,
  type jsonSchemaValidator,
  ProtocolError,
  ProtocolErrorCode,
  ResourceNotFoundError,
  Server,
  type ServerContext,
} from "@modelcontextprotocol/server";
import type { Logger } from "../logger.ts";
import type { Backend, Caller } from "./backend.ts";
import type { ResourceChanges } from "./changes.ts";
import { describeFailure, failedResult } from "./failure.ts";
import { channelInstructions, instructions } from "./instructions.ts";
import type { OpenCalls } from "./open-calls.ts";
import { listResources, readResource, resourceTemplates } from "./resources.ts";
import { mustHave, scopeOf } from "./rights.ts";
import { findTool, toolNames, tools } from "./tools.ts";

export interface ServerDeps {
  backend: Backend;
  changes: ResourceChanges;
  calls: OpenCalls;
  logger: Logger;
  version: string;
  /** Declares that events are pushed as `notifications/claude/channel`. */
  isChannel?: boolean;
}

const forAll: CacheHint = { ttlMs: 300_000, cacheScope: "public" };
const cacheHints = { "tools/list": forAll, "resources/templates/list": forAll, "server/discover": forAll };
const toolList = { tools: tools.map((tool) => tool.wire) };

/** We ask users nothing, so nothing has to be checked; the SDK would make a validator for every request. */
const noValidator: jsonSchemaValidator = {
  getValidator() {
    throw new Error("nothing is elicited");
  },
};

/**
 * One server of the protocol: for one request, one session or one connection, as the transport needs it. Below the SDK's
 * high-level server, which would register every tool anew for every request.
 */
export function createProtocolServer({ backend, changes, calls, logger, version, isChannel = false }: ServerDeps): Server {
  const server = new Server(
    { name: "matric", title: "matric", version },
    {
      capabilities: {
        tools: {},
        resources: { subscribe: true },
        ...(isChannel ? { experimental: { "claude/channel": {} } } : {}),
      },
      instructions: isChannel ? `${instructions}\n${channelInstructions}` : instructions,
      cacheHints,
      jsonSchemaValidator: noValidator,
    },
  );
  server.setRequestHandler("tools/list", () => toolList);
  server.setRequestHandler("tools/call", async ({ params: { name, arguments: args } }, context) => {
    const tool = findTool(name);
    if (!tool) {
      const message = `There is no tool "${name.slice(0, 80)}"; the tools are ${toolNames.join(", ")}.`;
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, message);
    }
    try {
      return await asCaller(calls, context, (caller) => tool.call(args, backend, caller));
    } catch (error) {
      return failedResult(error, logger);
    }
  });
  const protocolError = (error: unknown, uri?: string) => {
    if (error instanceof ProtocolError) return error;
    const { code, message } = describeFailure(error, logger);
    if (code === "not_found" && uri !== undefined) return new ResourceNotFoundError(uri, message);
    return new ProtocolError(ProtocolErrorCode.InternalError, `${code}: ${message}`);
  };
  server.setRequestHandler("resources/templates/list", () => ({ resourceTemplates }));
  server.setRequestHandler("resources/list", async (_request, context) => {
    try {
      return { resources: await asCaller(calls, context, (caller) => listResources(backend, caller)) };
    } catch (error) {
      throw protocolError(error);
    }
  });
  server.setRequestHandler("resources/read", async ({ params: { uri } }, context) => {
    try {
      return await asCaller(calls, context, (caller) => readResource(uri, backend, caller));
    } catch (error) {
      throw protocolError(error, uri);
    }
  });
  serveSubscriptions(server, changes);
  return server;
}

function asCaller<Result>(calls: OpenCalls, context: ServerContext, run: (caller: Caller) => Promise<Result>): Promise<Result> {
  const actor = { kind: "agent" as const, id: context.http?.authInfo?.clientId ?? null };
  // In a session of the 2025 revision a connection that breaks does not cancel the call; but nobody waits for it any more.
  const scopes = context.http?.authInfo?.scopes;
  return calls.run([context.mcpReq.signal, context.http?.req?.signal], (signal) => run({ actor, scopes, signal }));
}

const subscriptionsMax = 256;

/** `resources/subscribe` of the 2025 revision; the present one has `subscriptions/listen`, which the transport serves. */
function serveSubscriptions(server: Server, changes: ResourceChanges): void {
  const wanted = new Set<string>();
  let end = () => {};
  server.setRequestHandler("resources/subscribe", ({ params: { uri } }, { http }) => {
    mustHave({ scopes: http?.authInfo?.scopes }, scopeOf(uri));
    if (wanted.size >= subscriptionsMax) {
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, `At most ${subscriptionsMax} resources can be subscribed to.`);
    }
    if (wanted.size === 0) {
      end = changes.subscribe((changed) => {
        if (wanted.has(changed)) server.sendResourceUpdated({ uri: changed }).catch(() => {});
      });
    }
    wanted.add(uri);
    return {};
  });
  server.setRequestHandler("resources/unsubscribe", ({ params: { uri } }) => {
    wanted.delete(uri);
    if (wanted.size === 0) end();
    return {};
  });
  const closed = server.onclose;
  server.onclose = () => {
    end();
    closed?.();
  };
}
