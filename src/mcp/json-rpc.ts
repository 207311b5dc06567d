import { ProtocolErrorCode, type RequestId } from "@modelcontextprotocol/server";

/** Of errors that are about HTTP, as the SDK has it. */
export const transportErrorCode = -32000;
export const sessionNotFoundCode = -32001;
export const parseErrorCode = ProtocolErrorCode.ParseError;

/** An answer to a request that cannot be answered as part of the protocol. */
export function errorResponse(status: number, code: number, message: string, headers: Record<string, string> = {}): Response {
  return Response.json({ jsonrpc: "2.0", error: { code, message }, id: null }, { status, headers });
}

/** A JSON object: no array, and not null. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The id under which a message wants an answer, if it is a request. Only looks: what else is wrong with it, the SDK tells. */
export function requestIdOf(message: unknown): RequestId | undefined {
  if (!isObject(message) || typeof message.method !== "string") return undefined;
  return typeof message.id === "string" || typeof message.id === "number" ? message.id : undefined;
}
