import { ProtocolErrorCode } from "@modelcontextprotocol/server";

/** Of errors that are about HTTP, as the SDK has it. */
export const transportErrorCode = -32000;
export const sessionNotFoundCode = -32001;
export const parseErrorCode = ProtocolErrorCode.ParseError;

/** An answer to a request that cannot be answered as part of the protocol. */
export function errorResponse(status: number, code: number, message: string, headers: Record<string, string> = {}): Response {
  return Response.json({ jsonrpc: "2.0", error: { code, message }, id: null }, { status, headers });
}
