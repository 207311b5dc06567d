import { type Command, Option } from "commander";
import type { ReceivedEvent } from "../../src/client/stream-item.ts";
import { contentOf } from "../../src/webhooks/content.ts";
import { createSecret } from "../../src/webhooks/secret.ts";
import { signatureHeaders } from "../../src/webhooks/signature.ts";
import { ConnectionRemarks } from "../connection-remarks.ts";
import { addServerOptions, type Context, contextOf } from "../context.ts";
import { addFilterOptions, type FilterOptions, filterOf } from "../events/filter-options.ts";
import { usage } from "../failure.ts";
import type { Io } from "../io.ts";
import { examples, position } from "../options.ts";
import { printJson, remark } from "../output.ts";
import { isForPeople, paintFor } from "../paint.ts";
import { printable } from "../printable.ts";

interface ListenOptions extends FilterOptions {
  forwardTo: string;
  since?: string;
  secret?: string;
  format: "matric" | "cloudevents";
}

const attemptMs = 30_000;
const answerCharsShown = 120;

export function registerListen(webhooks: Command, io: Io): void {
  const command = webhooks
    .command("listen")
    .description("post events, signed, to a URL of this machine while you write its receiver; nothing is registered")
    .requiredOption("--forward-to <url>", "where events are posted")
    .option(
      "--since <position>",
      "begin with older events: 10m, a time, after an event id, earliest or latest",
      position,
      "latest",
    )
    .option("--secret <secret>", "signs the requests; one is made and printed if not given")
    .addOption(new Option("--format <format>", "what is sent").choices(["matric", "cloudevents"]).default("matric"));
  addServerOptions(addFilterOptions(command))
    .addHelpText("after", examples("matric webhooks listen --forward-to http://localhost:3000/hook --events 'Note*'"))
    .action((options: ListenOptions, self: Command) => run(options, contextOf(self, io)));
}

/** Follows the log and posts every event, one after the other, until Ctrl-C. */
export async function run(options: ListenOptions, context: Context): Promise<void> {
  const { client, signal } = context;
  const target = URL.parse(options.forwardTo);
  if (!target || !/^https?:$/.test(target.protocol))
    throw usage(`--forward-to must be an http or https URL, not "${options.forwardTo}".`);
  const secret = options.secret ?? createSecret();
  const connection = new ConnectionRemarks(context, {
    code: "listening",
    message: `Posting events to ${target.href}, signed with ${secret}`,
  });
  const stream = client.stream({
    filter: filterOf(options),
    since: options.since,
    signal,
    failFast: true,
    onState: (state) => connection.tell(state),
  });
  for await (const item of stream) {
    if (item.kind === "gap")
      await remark(context, "stream_gap", `Events from ${item.from} to ${item.to} cannot be had any more.`);
    if (item.kind === "event") await report(item, await forward(item, target, secret, options, signal), context);
  }
  signal.throwIfAborted();
}

interface Outcome {
  status: number | null;
  duration_ms: number;
  /** The beginning of the answer, or why there is none. */
  answer: string;
}

async function forward(
  event: ReceivedEvent,
  target: URL,
  secret: string,
  { format }: ListenOptions,
  signal: AbortSignal,
): Promise<Outcome> {
  const { body, headers } = contentOf(event.text, format);
  const id = Bun.randomUUIDv7();
  const startedMs = performance.now();
  const took = () => Math.round(performance.now() - startedMs);
  try {
    const response = await fetch(target, {
      method: "POST",
      redirect: "manual",
      body,
      headers: {
        "Content-Type": "application/json",
        "User-Agent": "matric",
        "X-Matric-Event": event.name,
        "X-Matric-Delivery": id,
        ...signatureHeaders([secret], { id, timestamp: Math.floor(Date.now() / 1000) }, body),
        ...headers,
      },
      signal: AbortSignal.any([signal, AbortSignal.timeout(attemptMs)]),
    });
    const answer = await beginningOf(response);
    return { status: response.status, answer, duration_ms: took() };
  } catch (error) {
    signal.throwIfAborted();
    return { status: null, answer: error instanceof Error ? error.message : String(error), duration_ms: took() };
  }
}

/** An answer without end must not be held, and no more of it is shown anyway. */
async function beginningOf({ body }: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    // Leaving the loop ends the answer.
    if (text.length >= answerCharsShown) break;
  }
  return text.slice(0, answerCharsShown);
}

async function report({ id, name }: ReceivedEvent, outcome: Outcome, context: Context): Promise<void> {
  const { io, json } = context;
  if (json) return printJson(context, { event_id: id, event: name, ...outcome });
  const isGood = outcome.status !== null && outcome.status >= 200 && outcome.status < 300;
  const paint = paintFor(io.stdout, io);
  const clock = isForPeople(io.stdout, io) ? `${paint("dim", new Date().toTimeString().slice(0, 8))}  ` : "";
  const status = paint(isGood ? "green" : "red", String(outcome.status ?? "---"));
  await io.stdout.write(`${clock}${status} ${outcome.duration_ms} ms  ${name}  ${id}  ${printable(outcome.answer)}\n`);
}
