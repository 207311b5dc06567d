import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { JobError } from "../handler.ts";
import type { Fetch } from "./limits.ts";

/** A chat completion that was not streamed, as far as it matters here. */
const Completion = Type.Object({
  choices: Type.Array(Type.Object({ message: Type.Object({}), finish_reason: Type.Optional(Type.Unknown()) }), { minItems: 1 }),
});

/** As much as a streamed answer can have. */
const bytesMax = 1024 * 1024;

/** The same fetch, for servers that do not stream: an answer that comes whole becomes a stream of one chunk. */
export function streamed(fetch: Fetch): Fetch {
  return async (...request) => {
    const { ok, body, status, statusText, headers } = await fetch(...request);
    return new Response(ok && body ? body.pipeThrough(asStream()) : body, { status, statusText, headers });
  };
}

/** What begins like an object is no event stream, whatever its type says; a stream passes as it comes. */
function asStream(): TransformStream<Uint8Array, Uint8Array> {
  let gathered: Uint8Array[] | undefined;
  let bytes = 0;
  let hasBegun = false;
  return new TransformStream({
    transform(chunk, out) {
      if (!hasBegun) {
        const begin = Buffer.from(chunk).toString("latin1").trimStart();
        hasBegun = begin !== "";
        if (begin.startsWith("{")) gathered = [];
      }
      if (!gathered) {
        out.enqueue(chunk);
        return;
      }
      gathered.push(chunk);
      bytes += chunk.length;
      if (bytes <= bytesMax) return;
      const error = `The AI server's answer is longer than ${bytesMax} bytes.`;
      out.error(new JobError({ errorCode: "ai_bad_answer", error, retry: true }));
    },
    flush(out) {
      if (gathered) out.enqueue(Buffer.from(frames(Buffer.concat(gathered).toString())));
    },
  });
}

function frames(text: string): string {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return "";
  }
  if (!Value.Check(Completion, answer)) return `data: ${JSON.stringify(answer)}\n\n`;
  const choices = answer.choices.map(({ message, finish_reason }) => ({
    delta: message,
    finish_reason: finish_reason ?? "stop",
  }));
  return `data: ${JSON.stringify({ choices })}\n\ndata: [DONE]\n\n`;
}
