import {
  type AuthInfo,
  type CallToolRequest,
  type CallToolResult,
  ProtocolError,
  ProtocolErrorCode,
} from "@modelcontextprotocol/server";
import { type Logger, silentLogger } from "../logger.ts";
import type { Backend, Caller } from "./backend.ts";
import { failedResult } from "./failure.ts";
import { isObject, requestIdOf } from "./json-rpc.ts";
import { findTool, toolNames } from "./tools.ts";
import type { Waiters } from "./waiters.ts";

export interface CallDeps {
  backend: Backend;
  waiters: Waiters;
  logger: Logger;
}

/** Where a call comes from. */
export interface CallOrigin {
  authInfo?: AuthInfo | undefined;
  /** The caller has given up. */
  signal: AbortSignal;
  /** The caller's connection has broken. */
  connection?: AbortSignal | undefined;
}

export type CallParams = Pick<CallToolRequest["params"], "name" | "arguments">;

/** Runs a tool. What goes wrong in it is its answer; only a tool that does not exist is an error of the protocol. */
export async function callTool(
  params: CallParams,
  origin: CallOrigin,
  { backend, waiters, logger }: CallDeps,
): Promise<CallToolResult> {
  const tool = findTool(params.name);
  if (!tool) {
    const message = `There is no tool "${params.name.slice(0, 80)}"; the tools are ${toolNames.join(", ")}.`;
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, message);
  }
  const caller = callerOf(origin);
  const called = tool.waits
    ? waiters.run([origin.signal, origin.connection], (signal) => tool.call(params.arguments, backend, { ...caller, signal }))
    : tool.call(params.arguments, backend, caller);
  // What a call says whose caller is gone nobody hears, and it is no failure.
  const isGone = () => origin.signal.aborted || origin.connection?.aborted === true;
  return called.catch((error) => failedResult(error, isGone() ? silentLogger : logger));
}

export function callerOf({ authInfo, signal }: CallOrigin): Caller {
  return { actor: { kind: "agent", id: authInfo?.clientId ?? null }, scopes: authInfo?.scopes, signal };
}

/** What a message calls, if that is a tool that waits; it can be waited for before anything else is made. */
export function waitingCall(message: unknown): CallParams | undefined {
  if (requestIdOf(message) === undefined || !isObject(message) || message.method !== "tools/call") return undefined;
  if (!isObject(message.params)) return undefined;
  const { name, arguments: args } = message.params;
  if (typeof name !== "string" || !findTool(name)?.waits || !(args === undefined || isObject(args))) return undefined;
  return { name, arguments: args };
}
