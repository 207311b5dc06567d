import { afterEach, expect, test } from "bun:test";
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import dns from "node:dns";
import { closeSync, fdatasync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLookup } from "../../src/webhooks/name-lookup.ts";

const servers = dns.getServers();
const file = join(tmpdir(), `matric-test-${process.pid}-resolv.conf`);
const sockets: Socket[] = [];
afterEach(() => {
  dns.setServers(servers);
  rmSync(file, { force: true });
  for (const socket of sockets.splice(0)) socket.close();
});

async function dnsServer(answer: (question: Buffer) => Buffer | undefined): Promise<string> {
  const socket = createSocket("udp4", (question: Buffer, from: RemoteInfo) => {
    const bytes = answer(question);
    if (bytes) socket.send(bytes, from.port, from.address);
  });
  sockets.push(socket);
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return `127.0.0.1:${socket.address().port}`;
}

/** 93.184.216.34 for whoever asks for an IPv4 address, nothing for others (RFC 1035). */
function known(question: Buffer): Buffer {
  const end = question.indexOf(0, 12) + 5;
  const isIpv4 = question.readUInt16BE(end - 4) === 1;
  const head = Buffer.concat([question.subarray(0, 2), Buffer.from([0x81, 0x80, 0, 1, 0, isIpv4 ? 1 : 0, 0, 0, 0, 0])]);
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 93, 184, 216, 34]);
  return Buffer.concat([head, question.subarray(12, end), isIpv4 ? record : Buffer.alloc(0)]);
}

test("names that the DNS never answers for keep neither the disk nor other look-ups waiting", async () => {
  const isDead = (question: Buffer) => question.includes("dead");
  dns.setServers([await dnsServer((question) => (isDead(question) ? undefined : known(question)))]);
  const lookup = createLookup();
  let answered = 0;
  for (let n = 0; n < 50; n++) {
    lookup(`dead${n}.example`).then(
      () => answered++,
      () => answered++,
    );
  }
  const fd = openSync(file, "w");
  await new Promise((resolve) => fdatasync(fd, resolve));
  closeSync(fd);
  expect(await lookup("alive.example")).toEqual([{ address: "93.184.216.34", family: 4 }]);
  expect(answered).toBe(0);
});

test("a machine that has moved to another network asks the servers there", async () => {
  dns.setServers(["127.0.0.1:1"]);
  writeFileSync(file, `search lan\nnameserver ${await dnsServer(known)}\n`);
  expect(await createLookup(file)("moved.example")).toEqual([{ address: "93.184.216.34", family: 4 }]);
});

test("a name of this machine is found without asking", async () => {
  dns.setServers(["127.0.0.1:1"]);
  expect(await createLookup(file)("localhost")).toContainEqual({ address: "127.0.0.1", family: 4 });
  await expect(createLookup(file)("unknown.example")).rejects.toThrow();
});
