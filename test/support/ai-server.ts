type Respond = (request: Request) => Response | Promise<Response>;

export interface AiServer {
  readonly url: string;
  /** What was asked, in order. */
  readonly requests: { headers: Headers; body: unknown }[];
  /** Resolves when the next request arrives. */
  nextRequest(): Promise<void>;
  stop(): Promise<void>;
}

/** An OpenAI-compatible server, or what calls itself so, on a port of its own. */
export function startAiServer(respond: Respond): AiServer {
  const requests: AiServer["requests"] = [];
  let arrived: (() => void)[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request) {
      requests.push({ headers: request.headers, body: await request.clone().json() });
      for (const tell of arrived.splice(0)) tell();
      return respond(request);
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}/v1`,
    requests,
    nextRequest: () => new Promise((resolve) => arrived.push(resolve)),
    async stop() {
      arrived = [];
      await server.stop(true);
    },
  };
}

/** One chunk of a streamed chat completion. */
export function chunk(content: string | undefined, finishReason: string | null = null, delta: object = {}): string {
  const choice = { index: 0, delta: { ...(content === undefined ? {} : { content }), ...delta }, finish_reason: finishReason };
  return `data: ${JSON.stringify({ id: "c1", object: "chat.completion.chunk", created: 1, model: "m", choices: [choice] })}\n\n`;
}

/** A whole answer, in pieces as a model sends it. */
export function answer(text: string, finishReason: string | null = "stop", pieceChars = 7): string {
  const pieces = text.match(new RegExp(`[\\s\\S]{1,${pieceChars}}`, "g")) ?? [];
  const end = finishReason === null ? "" : chunk(undefined, finishReason);
  return `${pieces.map((piece) => chunk(piece)).join("")}${end}data: [DONE]\n\n`;
}

/** A stream of events; `source` is given a way to send, and whether anybody still reads. */
export function eventStream(
  source: string | ((send: (text: string) => void, isOpen: () => boolean) => void | Promise<void>),
): Response {
  let isOpen = true;
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      const send = (text: string) => controller.enqueue(encoder.encode(text));
      if (typeof source === "string") {
        send(source);
        controller.close();
      } else await source(send, () => isOpen);
    },
    cancel() {
      isOpen = false;
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}
