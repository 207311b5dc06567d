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
import { type CallDeps, type CallOrigin, callerOf, callTool } from "./call-tool.ts";
import type { ResourceChanges } from "./changes.ts";
import { describeFailure } from "./failure.ts";
import { channelInstructions, instructions } from "./instructions.ts";
import { listResources, readResource, resourceTemplates } from "./resources.ts";
import { mustHave, scopeOf } from "./rights.ts";
import type { AnswerOf } from "./session-server.ts";
import { tools } from "./tools.ts";

export interface ServerDeps extends CallDeps {
  changes: ResourceChanges;
  version: string;
  /** Declares that events are pushed as `notifications/claude/channel`. */
  isChannel?: boolean;
  /** To calls that have been waited for already. */
  answerOf?: AnswerOf;
}

const forAll: CacheHint = { ttlMs: 300_000, cacheScope: "public" };
const cacheHints = { "tools/list": forAll, "resources/templates/list": forAll, "server/discover": forAll };
const capabilities = { tools: {}, resources: { subscribe: true } };
const toolList = { tools: tools.map((tool) => tool.wire) };

/** We ask users nothing, so nothing has to be checked; the SDK would make a validator for every request. */
const noValidator: jsonSchemaValidator = {
  getValidator() {
    throw new Error("nothing is elicited");
  },
};

/**
 * One server of the protocol: for one request, one session or one connection, as the transport needs it. Below the SDK's
 * high-level server, which would register every tool anew for every request. `only` is the one method that will be asked for,
 * where that is known: while thousands wait, what nobody will call is not worth its memory.
 */
export function createProtocolServer(deps: ServerDeps, only?: string | null): Server {
  const { backend, changes, logger, version, isChannel = false, answerOf } = deps;
  const server = new Server(
    { name: "matric", title: "matric", version },
    {
      capabilities: isChannel ? { ...capabilities, experimental: { "claude/channel": {} } } : capabilities,
      instructions: isChannel ? `${instructions}\n${channelInstructions}` : instructions,
      cacheHints,
      jsonSchemaValidator: noValidator,
    },
  );
  const isAskedFor = (method: string) => !only || only === method;
  if (isAskedFor("tools/list")) server.setRequestHandler("tools/list", () => toolList);
  if (isAskedFor("tools/call"))
    server.setRequestHandler(
      "tools/call",
      ({ params }, context) => answerOf?.(context.mcpReq.id) ?? callTool(params, originOf(context), deps),
    );
  if (isAskedFor("resources/templates/list")) server.setRequestHandler("resources/templates/list", () => ({ resourceTemplates }));
  if (isAskedFor("resources/list")) {
    server.setRequestHandler("resources/list", async (_request, context) => {
      const resources = await listResources(backend, callerOf(originOf(context))).catch((error) => {
        throw protocolError(error, logger);
      });
      return { resources };
    });
  }
  if (isAskedFor("resources/read")) {
    server.setRequestHandler("resources/read", ({ params: { uri } }, context) =>
      readResource(uri, backend, callerOf(originOf(context))).catch((error) => {
        throw protocolError(error, logger, uri);
      }),
    );
  }
  if (!only) serveSubscriptions(server, changes);
  return server;
}

function originOf({ mcpReq, http }: ServerContext): CallOrigin {
  // In a session of the 2025 revision a connection that breaks does not cancel the call; but nobody waits for it any more.
  return { authInfo: http?.authInfo, signal: mcpReq.signal, connection: http?.req?.signal };
}

function protocolError(error: unknown, logger: Logger, uri?: string): ProtocolError {
  if (error instanceof ProtocolError) return error;
  const { code, message } = describeFailure(error, logger);
  if (code === "not_found" && uri !== undefined) return new ResourceNotFoundError(uri, message);
  return new ProtocolError(ProtocolErrorCode.InternalError, `${code}: ${message}`);
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
