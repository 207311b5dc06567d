import type { McpTool } from "./tool.ts";
import { eventTools } from "./tools/events.ts";
import { jobTools } from "./tools/jobs.ts";
import { noteTools } from "./tools/notes.ts";
import { webhookTools } from "./tools/webhooks.ts";

/** Every tool, in the order in which agents see them. */
export const tools: readonly McpTool[] = [...eventTools, ...noteTools, ...jobTools, ...webhookTools];

const byName = new Map(tools.map((tool) => [tool.wire.name, tool]));

export const toolNames = [...byName.keys()];

export function findTool(name: string): McpTool | undefined {
  return byName.get(name);
}
