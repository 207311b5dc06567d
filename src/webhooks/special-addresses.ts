import { BlockList, isIPv6 } from "node:net";

/**
 * Addresses that are not a place on the public internet (IANA's special-purpose registries), and the public one at which Azure
 * answers its machines with their secrets.
 */
const specialIpv4 = [
  "0.0.0.0/8", // this network; 0.0.0.0 connects to the machine itself
  "10.0.0.0/8", // private
  "100.64.0.0/10", // carrier-grade NAT; Alibaba's metadata
  "127.0.0.0/8", // loopback
  "168.63.129.16/32", // Azure's own
  "169.254.0.0/16", // link-local; metadata of most clouds
  "172.16.0.0/12", // private
  "192.0.0.0/24", // protocol assignments; Oracle's metadata
  "192.0.2.0/24", // documentation
  "192.31.196.0/24", // AS112
  "192.52.193.0/24", // AMT
  "192.88.99.0/24", // 6to4 relays
  "192.168.0.0/16", // private
  "192.175.48.0/24", // AS112
  "198.18.0.0/15", // benchmarks
  "198.51.100.0/24", // documentation
  "203.0.113.0/24", // documentation
  "224.0.0.0/4", // multicast
  "240.0.0.0/4", // reserved, and broadcast
];

/** Of IPv6 only this is public, with the exceptions below it: everything that embeds an IPv4 address is outside or among them. */
const publicIpv6 = ["2000::/3"];
const specialIpv6 = [
  "2001::/23", // protocol assignments: Teredo, benchmarks, ORCHID
  "2001:db8::/32", // documentation
  "2002::/16", // 6to4
  "2620:4f:8000::/48", // AS112
  "3fff::/20", // documentation
];

const ipv4 = blockList(specialIpv4);
const ipv6 = blockList(specialIpv6);
const ipv6Public = blockList(publicIpv6);
const ipv4Mapped = blockList(["::ffff:0:0/96"]);

/** Whether a webhook must not be sent to `address` (IPv4 or IPv6, without brackets) unless the administrator allows it. */
export function isSpecialAddress(address: string): boolean {
  if (!isIPv6(address)) return ipv4.check(address, "ipv4");
  // The system connects to the IPv4 address that is written in it.
  if (ipv4Mapped.check(address, "ipv6")) return ipv4.check(address, "ipv6");
  return !ipv6Public.check(address, "ipv6") || ipv6.check(address, "ipv6");
}

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", prefix] = network.split("/");
    list.addSubnet(address, Number(prefix), isIPv6(address) ? "ipv6" : "ipv4");
  }
  return list;
}
