import { afterEach, describe, expect, test } from "bun:test";
import { OpenAiReviser } from "../../../src/jobs/ai-revision/openai-reviser.ts";
import { JobError } from "../../../src/jobs/handler.ts";
import { type AiServer, answer, chunk, eventStream, startAiServer } from "../../support/ai-server.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";

let server: AiServer | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

const note = "# Notes\n\nSome words.\n";

function serve(respond: (request: Request) => Response | Promise<Response>): AiServer {
  server = startAiServer(respond);
  return server;
}

function start(options: { url?: string; key?: string; text?: string; instructions?: string; signal?: AbortSignal } = {}) {
  const { url = server?.url ?? "", text = note, instructions, signal = new AbortController().signal } = options;
  const clock = new ManualClock();
  const key = "key" in options ? options.key : "secret-key";
  const { fetch, nextChunk } = observedFetch();
  const reviser = new OpenAiReviser({ url, model: "test-model", key, fetch, clock, idleMs: 60_000, totalMs: 600_000 });
  const progress: [number, string][] = [];
  const revised = reviser.revise(text, {
    instructions,
    signal,
    progress: (percent, message) => progress.push([percent, message]),
  });
  return { clock, progress, revised, nextChunk };
}

/** The real fetch, and a way to wait until something of an answer has arrived. */
function observedFetch() {
  const waiting: (() => void)[] = [];
  const observed = async (...request: Parameters<typeof globalThis.fetch>) => {
    const { body, status, headers } = await globalThis.fetch(...request);
    const tell = new TransformStream<Uint8Array, Uint8Array>({
      transform(bytes, out) {
        out.enqueue(bytes);
        for (const resolve of waiting.splice(0)) resolve();
      },
    });
    return new Response(body?.pipeThrough(tell), { status, headers });
  };
  const nextChunk = () => new Promise<void>((resolve) => waiting.push(resolve));
  return { fetch: observed, nextChunk };
}

/** How a revision fails that the server answers in this way. */
async function failure(respond: () => Response | Promise<Response>, text = note): Promise<JobError["failure"]> {
  serve(respond);
  const error = await start({ text }).revised.catch((caught) => caught);
  if (!(error instanceof JobError)) throw new Error(`not a JobError: ${error}`);
  return error.failure;
}

const problem =
  (status: number, message: string, headers: Record<string, string> = {}) =>
  () =>
    Response.json({ error: { message } }, { status, headers });

describe("asking a model", () => {
  test("gives back its text and tells real progress on the way, which is never 100 before the end", async () => {
    const text = "word ".repeat(400);
    serve(() => eventStream(answer(text.replaceAll("word", "fine"), "stop", 50)));
    const { revised, progress } = start({ text });
    expect(await revised).toBe("fine ".repeat(400).trimEnd());
    expect(progress[0]).toEqual([0, "asking test-model"]);
    const percents = progress.map(([percent]) => percent);
    expect(percents).toEqual(percents.toSorted((a, b) => a - b));
    expect(percents.filter((percent) => percent > 20 && percent < 80).length).toBeGreaterThan(10);
    expect(progress.at(-1)).toEqual([99, "writing, 2.0 kB"]);
  });

  test("sends the note between marks of its own, after the task, with the key and the model", async () => {
    const { requests } = serve(() => eventStream(answer(note)));
    await start({ instructions: "Make it rhyme." }).revised;
    await start().revised;
    const bodies = requests.map(
      ({ body }) => body as { model: string; stream: boolean; messages: { role: string; content: string }[] },
    );
    expect(bodies[0]).toMatchObject({ model: "test-model", stream: true, messages: [{ role: "system" }, { role: "user" }] });
    const [first, second] = bodies.map(({ messages }) => messages[1]?.content ?? "");
    expect(first).toMatch(/^Make it rhyme\.\n\n<(note-[\da-f-]{36})>\n# Notes\n\nSome words\.\n\n<\/\1>$/);
    expect(second).toStartWith("Improve spelling, grammar, clarity and structure.\n\n<note-");
    expect(first?.match(/note-[\da-f-]+/)?.[0]).not.toBe(second?.match(/note-[\da-f-]+/)?.[0]);
    expect(requests[0]?.headers.get("authorization")).toBe("Bearer secret-key");
  });

  test("without a key sends none, also not one that is meant for other programs", async () => {
    const { requests } = serve(() => eventStream(answer(note)));
    process.env.OPENAI_API_KEY = "for others";
    process.env.OPENAI_ORG_ID = "others";
    try {
      await start({ key: undefined }).revised;
    } finally {
      delete process.env.OPENAI_API_KEY;
      delete process.env.OPENAI_ORG_ID;
    }
    expect(requests[0]?.headers.get("authorization")).toBeNull();
    expect(requests[0]?.headers.get("openai-organization")).toBeNull();
  });

  test("takes an answer that is said to be done without a reason for its end", async () => {
    serve(() =>
      eventStream(async (send) => {
        for (const piece of [chunk("# Fine"), "data: [DO", "NE]\n\n"]) {
          send(piece);
          await settle();
        }
      }),
    );
    expect(await start().revised).toBe("# Fine\n");
  });

  test.each([
    { finish_reason: "stop", message: { role: "assistant", content: "# Whole" } },
    { finish_reason: null, message: { content: "# Whole" } },
    { message: { content: "# Whole" } },
  ])("takes an answer that comes whole, as of servers that do not stream: %j", async (choice) => {
    const whole = JSON.stringify({ id: "c1", object: "chat.completion", choices: [choice], usage: {} }, null, 2);
    serve(() => new Response(`\n${whole}\n`, { headers: { "content-type": "text/plain" } }));
    const { revised, progress } = start();
    expect(await revised).toBe("# Whole\n");
    expect(progress.at(-1)).toEqual([3, "writing, 0.0 kB"]);
  });

  test("takes a stream for a stream even if it is said to be JSON, however long it is", async () => {
    const text = "word ".repeat(4000);
    const stream = answer(text.replaceAll("word", "fine"), "stop", 2);
    expect(stream.length).toBeGreaterThan(1024 * 1024);
    serve(() => new Response(eventStream(stream).body, { headers: { "content-type": "application/json" } }));
    expect(await start({ text }).revised).toBe("fine ".repeat(4000).trimEnd());
  });

  test("leaves no timer behind", async () => {
    serve(() => eventStream(answer(note)));
    const { clock, revised } = start();
    await revised;
    expect(clock.pending()).toBe(0);
  });
});

describe("an AI server that", () => {
  test("is down: tried again", async () => {
    const { url } = serve(() => new Response());
    await server?.stop();
    await expect(start({ url }).revised).rejects.toMatchObject({ failure: { errorCode: "ai_unreachable", retry: true } });
  });

  test("refuses the key: not tried again, and the key is not told", async () => {
    const refused = await failure(problem(401, "Incorrect API key provided: secret-key"));
    expect(refused).toEqual({
      errorCode: "ai_refused",
      error: "The AI server refused the key (401); check MATRIC_AI_KEY.",
      retry: false,
    });
    expect(await failure(problem(403, "no"))).toMatchObject({ errorCode: "ai_refused", retry: false });
  });

  test("finds fault with the request: not tried again", async () => {
    expect(await failure(problem(404, "no such model"))).toMatchObject({
      errorCode: "ai_refused",
      error: "The AI server answered 404: no such model",
      retry: false,
    });
    expect(await failure(problem(400, "x".repeat(5000)))).toMatchObject({
      error: `The AI server answered 400: ${"x".repeat(300)}…`,
    });
    expect(await failure(() => new Response(null, { status: 404 }))).toMatchObject({ error: "The AI server answered 404." });
  });

  test("is asked too often: tried again after the time it names", async () => {
    expect(await failure(problem(429, "slow down", { "retry-after": "17" }))).toMatchObject({
      errorCode: "ai_rate_limited",
      retry: true,
      retryAfterMs: 17_000,
    });
    expect((await failure(problem(429, "slow down", { "retry-after": "tomorrow" }))).retryAfterMs).toBeUndefined();
  });

  test("is broken: tried again, by the queue and not by the client", async () => {
    expect(await failure(problem(500, "oops"))).toMatchObject({ errorCode: "ai_unreachable", retry: true });
    expect(await failure(problem(503, "busy"))).toMatchObject({ errorCode: "ai_unreachable", retry: true });
    expect(server?.requests).toHaveLength(1);
  });

  test("sends nothing is given up after the idle time", async () => {
    const { nextRequest } = serve(() => new Promise(() => {}));
    const { clock, revised } = start();
    revised.catch(() => {});
    await nextRequest();
    await clock.advance(59_999);
    await clock.advance(1);
    await expect(revised).rejects.toMatchObject({
      failure: { errorCode: "ai_timeout", error: "The AI server sent nothing for 60 s.", retry: true },
    });
  });

  test("only keeps the stream alive may take as long as one answer may in all", async () => {
    let say: (text: string) => void = () => {};
    serve(() =>
      eventStream((send) => {
        say = send;
        send(chunk("# No"));
      }),
    );
    const { clock, revised, nextChunk } = start();
    revised.catch(() => {});
    await nextChunk();
    for (let passedMs = 0; passedMs < 600_000; passedMs += 50_000) {
      const arrived = nextChunk();
      say(": still thinking\n\n");
      await arrived;
      await settle();
      expect(clock.pending()).toBe(2);
      await clock.advance(50_000);
    }
    await expect(revised).rejects.toMatchObject({
      failure: { errorCode: "ai_timeout", error: "The AI server did not finish within 600 s." },
    });
  });

  test("writes without end is cut off", async () => {
    const endless = () =>
      eventStream(async (send, isOpen) => {
        while (isOpen()) {
          send(chunk("and so on ".repeat(1000)));
          await settle();
        }
      });
    expect(await failure(endless)).toMatchObject({
      errorCode: "ai_bad_answer",
      error: "The AI server's answer is far longer than the note.",
      retry: true,
    });
  });

  test("sends a line without end is cut off", async () => {
    const endless = () =>
      eventStream(async (send, isOpen) => {
        while (isOpen()) {
          send("x".repeat(100_000));
          await settle();
        }
      });
    expect(await failure(endless)).toMatchObject({ errorCode: "ai_bad_answer", error: "The AI server sent a line without end." });
  });

  test("sends a whole answer without end is cut off", async () => {
    const endless = () =>
      eventStream(async (send, isOpen) => {
        send("{");
        while (isOpen()) {
          send(`${" ".repeat(100_000)}\n`);
          await settle();
        }
      });
    expect(await failure(endless)).toMatchObject({
      errorCode: "ai_bad_answer",
      error: "The AI server's answer is longer than 1048576 bytes.",
      retry: true,
    });
  });

  test.each([
    [{ error: { message: "the model crashed" } }, "is an error: the model crashed"],
    [{ choices: [{ message: { content: "# No" }, finish_reason: "length" }] }, "was cut off at the model's limit"],
    [{ choices: [{ message: { content: " " } }] }, "is empty"],
    [{ hello: 1 }, "broke off before its end"],
    ['{"choices": [{', "broke off before its end"],
  ])("sends %j as a whole answer: a bad answer, tried again", async (whole, what) => {
    const text = typeof whole === "string" ? whole : JSON.stringify(whole);
    expect(await failure(() => new Response(text))).toMatchObject({
      errorCode: "ai_bad_answer",
      error: `The AI server's answer ${what}.`,
      retry: true,
    });
  });

  const garbage: Record<string, () => Response> = {
    "a web page": () => new Response("<html>hello</html>", { headers: { "content-type": "text/html" } }),
    "broken JSON": () => eventStream(`${chunk("# No")}data: {"choices": [{\n\n`),
    "JSON that is no completion": () =>
      eventStream('data: 42\n\ndata: {"choices":[{"delta":{"content":{"a":1}}}]}\n\ndata: [DONE]\n\n'),
    bytes: () =>
      new Response(
        new Uint8Array(50_000).map((_, index) => (index * 7919) % 256),
        { headers: { "content-type": "text/event-stream" } },
      ),
    "an error in the stream": () => eventStream(`${chunk("# No")}data: {"error":{"message":"the model crashed"}}\n\n`),
    nothing: () => eventStream(answer("")),
    blanks: () => eventStream(answer("  \n\n ")),
    "half an answer, and then the end": () => eventStream(chunk("# No")),
    "as much as the model can": () => eventStream(answer("# No", "length")),
  };
  for (const [what, respond] of Object.entries(garbage)) {
    test(`sends ${what}: a bad answer, tried again`, async () => {
      expect(await failure(respond)).toMatchObject({ errorCode: "ai_bad_answer", retry: true });
    });
  }

  test("breaks the connection in the middle: tried again", async () => {
    const breaking = () =>
      eventStream(async (send) => {
        send(chunk("# No"));
        await settle();
        server?.stop();
      });
    const { errorCode, retry } = await failure(breaking);
    expect(["ai_unreachable", "ai_bad_answer"]).toContain(errorCode);
    expect(retry).toBe(true);
  });

  test("refuses to revise: not tried again", async () => {
    expect(await failure(() => eventStream(answer("", "content_filter")))).toMatchObject({
      errorCode: "ai_refused",
      retry: false,
    });
    const refusal = () => eventStream(`${chunk(undefined, null, { refusal: "I cannot" })}${answer("")}`);
    expect(await failure(refusal)).toMatchObject({ errorCode: "ai_refused", retry: false });
  });
});

test("a cancelled revision ends at once, and the server's answer is not read any further", async () => {
  let isRead = () => true;
  serve(() =>
    eventStream(async (send, isOpen) => {
      isRead = isOpen;
      send(chunk("# No"));
    }),
  );
  const cancelled = new AbortController();
  const { revised, nextChunk, clock } = start({ signal: cancelled.signal });
  revised.catch(() => {});
  await nextChunk();
  cancelled.abort();
  await expect(revised).rejects.toThrow();
  while (isRead()) await settle();
  expect(clock.pending()).toBe(0);
});

describe("what the model wrote around the note", () => {
  const revise = async (text: string, written: string) => {
    serve(() => eventStream(answer(written)));
    return start({ text }).revised;
  };

  test("is left out when it is a Markdown fence around the whole, or thinking aloud", async () => {
    expect(await revise("# A\n", "```markdown\n# B\n\n```js\n1\n```\n```\n")).toBe("# B\n\n```js\n1\n```\n");
    expect(await revise("# A\n", "<think>\nHm.\n</think>\n\n# B")).toBe("# B\n");
  });

  test("stays when it belongs to the note", async () => {
    expect(await revise("# A", "```js\n1\n```")).toBe("```js\n1\n```");
    expect(await revise("```md\nx\n```\n", "```md\ny\n```")).toBe("```md\ny\n```\n");
    expect(await revise("# A", "Text\n\n```markdown\nx\n```")).toBe("Text\n\n```markdown\nx\n```");
  });
});
