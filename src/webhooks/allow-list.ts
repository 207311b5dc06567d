import { BlockList, isIP, isIPv4, isIPv6 } from "node:net";
import { MatricError } from "../errors.ts";

const setting = "MATRIC_WEBHOOK_ALLOW";

/** What the administrator allows of the addresses that webhooks must not be sent to. */
export class AllowList {
  readonly #networks = new BlockList();
  /** As `host:port`, the host as URLs write it. */
  readonly #hosts = new Set<string>();

  /** Each entry is an address, a network (`10.1.0.0/16`), or `host:port` of a name or an address. Throws `invalid` that names the setting. */
  constructor(entries: readonly string[]) {
    for (const entry of entries) {
      if (!this.#addNetwork(entry) && !this.#addHost(entry)) {
        const message = `${setting} must list addresses, networks like 10.1.0.0/16 or host:port, separated by commas; "${entry}" is none.`;
        throw new MatricError("invalid", message, { field: setting });
      }
    }
  }

  /** Whether the address is named, alone or with this port. */
  allowsAddress(address: string, port: number): boolean {
    const isV4 = isIPv4(address);
    return this.#networks.check(address, isV4 ? "ipv4" : "ipv6") || this.#hosts.has(`${isV4 ? address : `[${address}]`}:${port}`);
  }

  /** Whether the host itself is named, wherever its name leads. */
  allowsHost(url: URL): boolean {
    return this.#hosts.has(`${url.hostname}:${portOf(url)}`);
  }

  #addNetwork(entry: string): boolean {
    const [address = "", prefix, ...rest] = entry.split("/");
    const bits = isIP(address) === 4 ? 32 : 128;
    if (isIP(address) === 0 || rest.length > 0 || address.includes("%")) return false;
    const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
    if (!(length <= bits)) return false;
    this.#networks.addSubnet(address, length, isIPv6(address) ? "ipv6" : "ipv4");
    return true;
  }

  #addHost(entry: string): boolean {
    const match = /^([^/?#@\\\s]+):(\d{1,5})$/.exec(entry);
    const url = match ? URL.parse(`http://${match[1]}:${match[2]}`) : null;
    if (!url) return false;
    this.#hosts.add(`${url.hostname}:${portOf(url)}`);
    return true;
  }
}

/** The one that is connected to. */
export function portOf(url: URL): number {
  if (url.port !== "") return Number(url.port);
  return url.protocol === "https:" ? 443 : 80;
}
