import type { CallToolResult, Tool, ToolAnnotations } from "@modelcontextprotocol/server";
import { KindGuard, type Static, type TObject } from "@sinclair/typebox";
import { TypeCompiler } from "@sinclair/typebox/compiler";
import { mismatch } from "../mismatch.ts";
import type { Backend, Caller } from "./backend.ts";

/** A tool as it is written down: once, for every transport. */
export interface ToolDefinition<Input extends TObject, Output extends TObject> {
  name: string;
  title: string;
  /** For the model: what the tool does, when to use it, and what to do with the answer. */
  description: string;
  input: Input;
  output: Output;
  annotations: ToolAnnotations;
  /** The call can last: it is counted, and ends early when nobody waits for it any more. */
  waits?: boolean;
  run: (args: Static<Input>, backend: Backend, caller: Caller) => Promise<Static<Output>>;
}

/** A tool as the protocol sees it. */
export interface McpTool {
  readonly wire: Tool;
  readonly waits: boolean;
  /** Rejects with `invalid`, naming the argument, when the arguments are not those of the schema. */
  call(args: unknown, backend: Backend, caller: Caller): Promise<CallToolResult>;
}

export function defineTool<Input extends TObject, Output extends TObject>(definition: ToolDefinition<Input, Output>): McpTool {
  const { name, title, description, input, output, annotations, waits = false, run } = definition;
  const check = TypeCompiler.Compile(input);
  return {
    wire: {
      name,
      title,
      description,
      inputSchema: plain(input),
      outputSchema: plain(output),
      // Nothing here reaches out to a world beyond the server.
      annotations: { title, openWorldHint: false, ...annotations },
    },
    waits,
    async call(args = {}, backend, caller) {
      if (!check.Check(args)) throw mismatch(check.Errors(args).First(), "The arguments");
      const structuredContent = await run(args, backend, caller);
      return {
        content: [{ type: "text", text: JSON.stringify(structuredContent) }],
        structuredContent: { ...structuredContent },
      };
    },
  };
}

const anything = ["object", "array", "string", "number", "boolean", "null"].map((type) => ({ type }));

/** Hints for tools that only read. */
export const reads: ToolAnnotations = { readOnlyHint: true, destructiveHint: false, idempotentHint: true };

/**
 * A copy without TypeBox's own symbols, in the words that every agent's host understands: a choice of texts is an `enum`, and
 * since they find fault with schemas that say nothing, "anything" is said in full.
 */
function plain(schema: TObject): Tool["inputSchema"] {
  const copy = JSON.stringify(schema, (_name, part: unknown) => {
    if (KindGuard.IsUnknown(part)) return { ...part, anyOf: anything };
    if (KindGuard.IsUnion(part) && part.anyOf.every(KindGuard.IsLiteral)) {
      const { anyOf: choices, ...choice } = part;
      return { ...choice, type: "string", enum: choices.map((one) => one.const) };
    }
    if (!KindGuard.IsRecord(part) || !Object.values(part.patternProperties).every(KindGuard.IsUnknown)) return part;
    const { patternProperties: _, ...record } = part;
    return { ...record, additionalProperties: true };
  });
  return { ...JSON.parse(copy), type: "object" };
}
