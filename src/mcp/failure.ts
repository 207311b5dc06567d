import type { CallToolResult } from "@modelcontextprotocol/server";
import { ClientError } from "../client/errors.ts";
import { MatricError } from "../errors.ts";
import type { Logger } from "../logger.ts";

/** What went wrong, in words that an agent can act upon. What nobody foresaw is logged, and not shown. */
export function describeFailure(error: unknown, logger: Logger): { code: string; message: string } {
  if (error instanceof MatricError || error instanceof ClientError) return { code: error.code, message: error.message };
  logger.error("a call failed", { error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  return { code: "internal", message: "Something went wrong in the server; its log tells what." };
}

/** A failure as a tool's result: the model sees it and can try again. */
export function failedResult(error: unknown, logger: Logger): CallToolResult {
  const { code, message } = describeFailure(error, logger);
  return { content: [{ type: "text", text: `${code}: ${message}` }], isError: true };
}
