import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import type { Fetch } from "./limits.ts";

/** A chat completion that was not streamed, as far as it matters here. */
const Completion = Type.Object({
  choices: Type.Array(Type.Object({ message: Type.Object({}), finish_reason: Type.Optional(Type.Unknown()) }), { minItems: 1 }),
});

/** Whether it is one piece of JSON, rather than a stream. */
export function isWhole({ headers }: Response): boolean {
  return /^application\/json\b/i.test(headers.get("content-type") ?? "");
}

/** The same fetch, for servers that do not stream: an answer that comes whole becomes a stream of one chunk. */
export function streamed(fetch: Fetch): Fetch {
  return async (...request) => {
    const response = await fetch(...request);
    if (!response.ok || !isWhole(response)) return response;
    return new Response(asStream(await response.text()), { headers: { "content-type": "text/event-stream" } });
  };
}

function asStream(text: string): string {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    // Perhaps it is a stream all the same.
    return text;
  }
  if (!Value.Check(Completion, answer)) return `data: ${JSON.stringify(answer)}\n\n`;
  const choices = answer.choices.map(({ message, finish_reason = "stop" }) => ({ delta: message, finish_reason }));
  return `data: ${JSON.stringify({ choices })}\n\ndata: [DONE]\n\n`;
}
