import dns from "node:dns";
import { readFileSync } from "node:fs";
import type { Address, Resolve } from "./destinations.ts";

/**
 * Looks names up without a thread. The system's own look-up occupies one of the few threads in which the disk is synced, too:
 * two names whose DNS server does not answer would stop every commit and all other look-ups for as long.
 */
export function createLookup(resolvConf = "/etc/resolv.conf"): Resolve {
  return async (hostname) => {
    try {
      return await ask(hostname);
    } catch (error) {
      // The servers are read once, but a machine moves to other networks.
      if (!useServersOf(resolvConf)) throw error;
      return ask(hostname);
    }
  };
}

async function ask(hostname: string): Promise<Address[]> {
  const addresses = await Bun.dns.lookup(hostname, { backend: "c-ares" });
  return addresses.map(({ address, family }) => ({ address, family: family === 4 ? 4 : 6 }));
}

/** False when they are in use already, or cannot be read. */
function useServersOf(resolvConf: string): boolean {
  try {
    const servers = [...readFileSync(resolvConf, "utf8").matchAll(/^\s*nameserver\s+(\S+)/gm)].map(([, server = ""]) => server);
    if (servers.length === 0 || servers.join() === dns.getServers().join()) return false;
    dns.setServers(servers);
    return true;
  } catch {
    return false;
  }
}
