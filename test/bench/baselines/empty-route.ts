// What an Elysia route costs that parses the body and does nothing with it.
import { Elysia } from "elysia";

const app = new Elysia().post("/api/v1/events", ({ body, set }) => {
  set.status = body === null ? 400 : 201;
  return "";
});
app.listen({ hostname: "127.0.0.1", port: 0 });

process.stdout.write(`${JSON.stringify({ message: "listening", fields: { url: app.server?.url.href } })}\n`);
