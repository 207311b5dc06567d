// What Bun's own fetch can do: signs and sends every event to every webhook, 16 at a time; nothing is stored or tried again.
interface Hook {
  url: string;
  secret: string;
}

const underWayMax = 16;
const hooks: Hook[] = [];
const waiting: (() => Promise<unknown>)[] = [];
let underWay = 0;

function send(url: string, secret: string, body: string): Promise<unknown> {
  const signature = new Bun.CryptoHasher("sha256", secret).update(body).digest("hex");
  const headers = { "Content-Type": "application/json", "X-Matric-Signature": `sha256=${signature}` };
  return fetch(url, { method: "POST", body, headers });
}

async function run(): Promise<void> {
  underWay++;
  for (let next = waiting.shift(); next; next = waiting.shift()) await next();
  underWay--;
}

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request) {
    if (new URL(request.url).pathname === "/api/v1/webhooks") {
      hooks.push((await request.json()) as Hook);
      return Response.json({}, { status: 201 });
    }
    const body = await request.json();
    for (const event of Array.isArray(body) ? body : [body]) {
      const text = JSON.stringify(event);
      for (const { url, secret } of hooks) waiting.push(() => send(url, secret, text));
    }
    while (underWay < Math.min(underWayMax, waiting.length)) run();
    return new Response(null, { status: 201 });
  },
});

process.stdout.write(`${JSON.stringify({ message: "listening", fields: { url: server.url.href } })}\n`);

export {};
