import type { APIError, OpenAI } from "openai";
import type { Clock } from "../../clock.ts";
import type { OwnErrorCode } from "../contract.ts";
import { JobError } from "../handler.ts";
import { type AnswerLimits, AnswerWatch, type Fetch } from "./limits.ts";
import { noteIn, promptFor } from "./prompt.ts";
import type { ReviseOptions, Reviser } from "./reviser.ts";
import { streamed } from "./whole-answer.ts";

export interface OpenAiReviserOptions extends AnswerLimits {
  /** Base URL of an OpenAI-compatible server. */
  url: string;
  model: string;
  key: string | undefined;
  fetch: Fetch;
  clock: Clock;
}

const charsMax = 1024 * 1024;
/** A revision may be longer than the note, but a model that never ends must not be waited for. */
const answerCharsMax = (text: string) => Math.min(charsMax, 4 * text.length + 64 * 1024);
/** Even of a tiny note the answer is expected to have a sentence or two. */
const expectedCharsMin = 200;
const quotedCharsMax = 300;

/** Asks a model; reads its answer as a stream, so that the progress is real. Retrying is the queue's business, not the client's. */
export class OpenAiReviser implements Reviser {
  readonly model: string;

  constructor(private readonly options: OpenAiReviserOptions) {
    this.model = options.model;
  }

  async revise(text: string, { instructions, signal, progress }: ReviseOptions): Promise<string> {
    const { clock } = this.options;
    const watch = new AnswerWatch(clock, this.options);
    progress(0, `asking ${this.model}`);
    try {
      const { OpenAI } = await import("openai");
      const client = new OpenAI(this.#clientOptions(watch));
      const request = { model: this.model, messages: promptFor(text, instructions), stream: true } as const;
      const stream = await client.chat.completions.create(request, { signal: AbortSignal.any([signal, watch.signal]) });
      const answer = await collect(stream, text, progress);
      // The client ends an aborted stream as if it were complete.
      watch.signal.throwIfAborted();
      signal.throwIfAborted();
      return accepted(answer, text, watch.isDone);
    } catch (error) {
      throw watch.signal.aborted ? watch.signal.reason : await failureOf(error);
    } finally {
      watch.stop();
    }
  }

  async stop(): Promise<void> {}

  #clientOptions(watch: AnswerWatch) {
    const { url, key, fetch, totalMs } = this.options;
    return {
      baseURL: url,
      // Without a key none is sent; the client's own variables (OPENAI_API_KEY …) are for other programs.
      apiKey: key ?? "none",
      ...(key === undefined ? { defaultHeaders: { Authorization: null } } : {}),
      adminAPIKey: null,
      organization: null,
      project: null,
      maxRetries: 0,
      timeout: totalMs,
      logLevel: "off" as const,
      fetch: streamed(watch.fetch(fetch)),
    };
  }
}

interface Answer {
  text: string;
  finishReason: string | null;
  isRefused: boolean;
}

async function collect(
  stream: AsyncIterable<OpenAI.Chat.Completions.ChatCompletionChunk>,
  note: string,
  progress: ReviseOptions["progress"],
): Promise<Answer> {
  const answer: Answer = { text: "", finishReason: null, isRefused: false };
  const expected = Math.max(expectedCharsMin, note.length);
  let bytes = 0;
  for await (const chunk of stream) {
    const choice = chunk.choices?.[0];
    if (!choice) continue;
    if (choice.delta?.refusal) answer.isRefused = true;
    answer.finishReason = choice.finish_reason ?? answer.finishReason;
    const piece = choice.delta?.content;
    if (typeof piece !== "string" || piece === "") continue;
    answer.text += piece;
    bytes += Buffer.byteLength(piece);
    if (answer.text.length > answerCharsMax(note)) throw badAnswer("is far longer than the note");
    progress(Math.min(99, Math.floor((100 * answer.text.length) / expected)), `writing, ${(bytes / 1000).toFixed(1)} kB`);
  }
  return answer;
}

/** Some servers give no reason for the end, and only say that it is there (`isDone`). */
function accepted({ text, finishReason, isRefused }: Answer, note: string, isDone: boolean): string {
  if (isRefused || finishReason === "content_filter") {
    throw new JobError({ errorCode: "ai_refused", error: "The model refused to revise this note.", retry: false });
  }
  if (finishReason === "length") throw badAnswer("was cut off at the model's limit");
  if (finishReason === null && !isDone) throw badAnswer("broke off before its end");
  const revised = noteIn(text, note);
  if (revised.trim() === "") throw badAnswer("is empty");
  return revised;
}

function badAnswer(what: string, cause?: unknown): JobError {
  return new JobError({ errorCode: "ai_bad_answer", error: `The AI server's answer ${what}.`, retry: true }, { cause });
}

/** What an error of the client means for the job. */
async function failureOf(error: unknown): Promise<unknown> {
  if (error instanceof JobError) return error;
  const { APIError, APIConnectionTimeoutError, OpenAIError } = await import("openai");
  const fail = (errorCode: OwnErrorCode, text: string, retry: boolean, retryAfterMs?: number) =>
    new JobError({ errorCode, error: text, retry, retryAfterMs }, { cause: error });
  if (error instanceof APIConnectionTimeoutError) return fail("ai_timeout", "The AI server did not answer in time.", true);
  if (error instanceof APIError && typeof error.status === "number") return fail(...statusFailure(error));
  if (error instanceof APIError && error.error !== undefined) return badAnswer(`is an error: ${quoted(error.message)}`, error);
  if (error instanceof SyntaxError || (error instanceof OpenAIError && !(error instanceof APIError))) {
    return badAnswer("is not what an OpenAI-compatible server sends", error);
  }
  return fail("ai_unreachable", "The AI server cannot be reached, or broke the connection.", true);
}

function statusFailure(error: APIError): [errorCode: OwnErrorCode, text: string, retry: boolean, retryAfterMs?: number] {
  const { status } = error;
  // The library puts the status before what the server said, and words of its own where it said nothing.
  const words = error.message.replace(`${status} `, "").replace(/^status code \(no body\)$/, "");
  const said = `The AI server answered ${status}${words === "" ? "." : `: ${quoted(words)}`}`;
  if (status === 401 || status === 403)
    return ["ai_refused", `The AI server refused the key (${status}); check MATRIC_AI_KEY.`, false];
  if (status === 408) return ["ai_timeout", said, true];
  if (status === 429) return ["ai_rate_limited", said, true, retryAfterMs(error.headers)];
  if (status !== undefined && status < 500) return ["ai_refused", said, false];
  return ["ai_unreachable", said, true, retryAfterMs(error.headers)];
}

function retryAfterMs(headers: Headers | undefined): number | undefined {
  const seconds = Number(headers?.get("retry-after") ?? Number.NaN);
  return seconds >= 0 ? seconds * 1000 : undefined;
}

function quoted(text: string): string {
  return text.length > quotedCharsMax ? `${text.slice(0, quotedCharsMax)}…` : text;
}
