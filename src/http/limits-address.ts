import { type BlockList, isIP } from "node:net";
import { networkList } from "../setting.ts";

/** Where a request comes from, as limits count it. */
export interface AddressSource {
  /** Of the other end of the connection. */
  peerOf(request: Request): string | undefined;
  /** Proxies whose `X-Forwarded-For` is believed: addresses and networks. */
  trustedProxies: readonly string[];
}

/** Finds out where requests come from. */
export function addressReader({ peerOf, trustedProxies }: AddressSource): (request: Request) => string {
  const proxies = networkList(trustedProxies);
  return (request) => {
    const peer = plain(peerOf(request) ?? "");
    if (!proxies || !contains(proxies, peer)) return network(peer);
    // Each proxy adds the address that it saw: the newest that is no proxy of ours is the client's.
    const forwarded = (request.headers.get("x-forwarded-for") ?? "").split(",").map((one) => plain(withoutPort(one.trim())));
    const client = forwarded.findLast((one) => !contains(proxies, one));
    return network(client !== undefined && isIP(client) !== 0 ? client : peer);
  };
}

function contains(list: BlockList, address: string): boolean {
  const family = isIP(address);
  return family !== 0 && list.check(address, family === 6 ? "ipv6" : "ipv4");
}

/** An IPv4 address that an IPv6 socket shows is that IPv4 address. */
export function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, "");
}

function withoutPort(text: string): string {
  return text.replace(/^\[(.+)\](:\d+)?$/, "$1").replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, "$1");
}

/** Whoever has one IPv6 address has the 2⁶⁴ of its network. */
function network(address: string): string {
  if (isIP(address) !== 6) return address;
  return `${groupsOf(address)
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ""))
    .join(":")}::/64`;
}

/** The eight groups of an IPv6 address. */
export function groupsOf(address: string): string[] {
  const [head = "", tail] = address.toLowerCase().split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const missing = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  return [...before, ...Array.from({ length: missing }, () => "0"), ...after];
}
