import { expect, test } from "bun:test";
import { Ticket } from "../../src/auth/contract.ts";
import { createClient } from "../../src/client/client.ts";
import { bearer, startAuthApp, TestSocket } from "../support/auth.ts";
import { ByteStream } from "../support/byte-stream.ts";
import { eventually } from "../support/eventually.ts";
import { Receiver } from "../support/receiver.ts";

const dayMs = 86_400_000;

test.each([
  ["forward", 3 * dayMs],
  ["back", -3 * dayMs],
])(
  "a wall clock that jumps three days %s: streams, jobs, webhooks and tickets go on as if nothing were",
  async (_way, jumpMs) => {
    const receiver = new Receiver();
    const { app, clock, admin, make } = await startAuthApp({
      webhookAllow: ["127.0.0.1"],
      sseHeartbeatSeconds: 0.5,
      wsPingSeconds: 0.5,
      wsPongTimeoutSeconds: 2,
    });
    try {
      const client = createClient({ url: app.url, token: admin });
      const { id } = await client.webhooks.create({ url: receiver.url, events: ["*"] });
      const note = await client.notes.create({ title: "Sea", content: "* deep" });
      const stream = await ByteStream.open(`${app.url}/api/v1/events`, bearer(admin));
      await stream.frame();
      const socket = new TestSocket(`${app.url}/api/v1/ws`, bearer(admin));
      await socket.message(({ event }) => event === "QueueStatus");
      // The very first attempt is refused, and the clock jumps while its retry waits.
      receiver.answer = () => new Response(null, { status: 500 });
      const before = receiver.requests.length;
      await client.events.publish({ event: "FirstHappened", data: {} });
      await receiver.received(before + 1);
      const { ticket } = (await app.call(Ticket, "POST", "/events/tickets", { headers: bearer(admin) })).body;
      const { token } = await make(["events:read"]);

      clock.skip(jumpMs);
      receiver.answer = () => new Response("ok");
      expect(
        (await app.fetch(`/api/v1/events?ticket=${ticket}&limit=1`, { headers: { accept: "application/json" } })).status,
      ).toBe(200);
      expect(
        (await app.fetch("/api/v1/events?limit=1", { headers: { ...bearer(token), accept: "application/json" } })).status,
      ).toBe(200);
      const job = await client.notes.revise(note.id, {});
      await eventually(async () => (await client.jobs.get(job.id)).status === "completed");
      await eventually(async () =>
        (({ pending, lag, status }) => status === "active" && pending + lag === 0)(await client.webhooks.get(id)),
      );
      // Heartbeats and pings go on, and nobody is taken for silent.
      await stream.until(": heartbeat");
      const published = await client.events.publish({ event: "LastHappened", data: {} });
      await stream.until("event: LastHappened\ndata: ");
      const told = await socket.message(({ event }) => event === "LastHappened");
      expect(Math.abs(Date.parse(String(told.time)) - clock.now())).toBeLessThan(60_000);
      // In the order of the log, whatever their times say.
      const { items } = await client.events.list({ limit: 500 });
      expect(items.map((event) => event.event)).toEqual(
        expect.arrayContaining(["NoteCreated", "FirstHappened", "JobCompleted", "LastHappened"]),
      );
      expect(published).toBe(items.at(-1)?.id ?? "");
      const seqs = items.map((event) => Number.parseInt(event.id ?? "", 10));
      expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
      stream.close();
      socket.close();
    } finally {
      await app.stop();
      await receiver.stop();
    }
  },
);
