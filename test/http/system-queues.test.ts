import { expect, test } from "bun:test";
import { createServer, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { type Ends, SystemQueues } from "../../src/http/system-queues.ts";
import { eventually } from "../support/eventually.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { TcpClient } from "../support/tcp-client.ts";

/** One connection with a client, and how the server sees its ends. */
async function connected(host: string): Promise<{ client: TcpClient; socket: Socket; ends: Ends; close(): void }> {
  const { promise, resolve } = Promise.withResolvers<Socket>();
  const server = createServer(resolve).listen(0, host);
  await new Promise((listening) => server.once("listening", listening));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  const client = await TcpClient.open(`http://${host.includes(":") ? `[${host}]` : host}:${address.port}`);
  const socket = await promise;
  const ends = { address: socket.remoteAddress ?? "", port: socket.remotePort ?? 0, localPort: address.port };
  return {
    client,
    socket,
    ends,
    close() {
      client.close();
      socket.destroy();
      server.close();
    },
  };
}

/** Not every machine has both. */
const loopback = Object.values(networkInterfaces())
  .flatMap((all) => all ?? [])
  .filter(({ internal }) => internal);

test.each(loopback.map(({ address }) => address))(
  "what the system holds for a client at %s is seen, and that it becomes less as the client reads",
  async (host) => {
    const clock = new ManualClock();
    const queues = new SystemQueues(clock);
    const now = async (ends: Ends) => {
      await clock.advance(1000);
      return queues.bytesTo(ends);
    };
    const { client, socket, ends, close } = await connected(host);
    const other = await connected(host);
    try {
      client.stopReading();
      socket.write(Buffer.alloc(20_000_000));
      await eventually(async () => (await now(ends)) > 100_000);
      expect(await now(other.ends)).toBe(0);
      expect(await now({ ...ends, localPort: other.ends.localPort })).toBe(0);
      client.read();
      await eventually(() => client.size === 20_000_000);
      expect(await now(ends)).toBe(0);
    } finally {
      close();
      other.close();
    }
  },
);
