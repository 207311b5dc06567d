// What Bun itself can do: parses what is posted and hands it on; nothing is stored, checked or filtered.
// WebSocket by its own publish, SSE in one write per client and turn of the event loop.
const topic = "events";
const hello = JSON.stringify({ event: "ConnectionOpened" });
const followers = new Set<ReadableStreamDirectController>();
let frames = "";

function flush(): void {
  const chunk = Buffer.from(frames);
  frames = "";
  for (const follower of followers) {
    follower.write(chunk);
    follower.flush();
  }
}

function publish(event: unknown): void {
  const text = JSON.stringify(event);
  server.publish(topic, text);
  if (followers.size === 0) return;
  if (frames === "") setImmediate(flush);
  frames += `data: ${text}\n\n`;
}

function follow(signal: AbortSignal): Response {
  const body = new ReadableStream<Uint8Array>({
    type: "direct",
    async pull(controller) {
      controller.write(`data: ${hello}\n\n`);
      controller.flush();
      followers.add(controller);
      await new Promise((ended) => signal.addEventListener("abort", ended));
      followers.delete(controller);
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 0,
  async fetch(request, server) {
    if (request.method === "POST") {
      const body = await request.json();
      for (const event of Array.isArray(body) ? body : [body]) publish(event);
      return new Response(null, { status: 204 });
    }
    if (server.upgrade(request)) return undefined;
    return follow(request.signal);
  },
  websocket: {
    idleTimeout: 0,
    perMessageDeflate: false,
    open(socket) {
      socket.send(hello);
      socket.subscribe(topic);
    },
    message() {},
  },
});

process.stdout.write(`${JSON.stringify({ message: "listening", fields: { url: server.url.href } })}\n`);
