import { isIP } from "node:net";
import type { Clock } from "../clock.ts";
import { invalid } from "../errors.ts";
import { type AllowList, portOf } from "./allow-list.ts";
import { isSpecialAddress } from "./special-addresses.ts";

export interface Address {
  address: string;
  family: 4 | 6;
}

/** Asks the DNS for all addresses of a name. Rejects when there are none. */
export type Resolve = (hostname: string) => Promise<Address[]>;

/** A URL leads to an address that webhooks are not sent to. */
export class ForbiddenAddress extends Error {
  override readonly name = "ForbiddenAddress";
}

const urlCharsMax = 2048;
/** How long a registration waits for the DNS. */
const lookupTimeoutMs = 3000;

const loopback: Address[] = [
  { address: "127.0.0.1", family: 4 },
  { address: "::1", family: 6 },
];

/** Names at which clouds tell their machines secrets. Elsewhere the DNS knows none of them, and what it does not know can be registered. */
const metadataNames = /^(metadata\.google\.internal|metadata\.goog|instance-data\.ec2\.internal)\.*$/;
const metadata: Address[] = [{ address: "169.254.169.254", family: 4 }];

/** Where webhooks may be sent to. */
export class Destinations {
  constructor(
    private readonly allowList: AllowList,
    private readonly resolve: Resolve,
    private readonly clock: Clock,
  ) {}

  /**
   * Checks and normalises the URL of a webhook. A name that the DNS does not know now is accepted: it is looked up again, and
   * its addresses checked, before each connection. Throws `invalid`.
   */
  async accept(text: string): Promise<string> {
    const url = URL.parse(text.trim());
    if (!url || !/^https?:$/.test(url.protocol) || text.length > urlCharsMax) {
      throw invalid("url", `url must be an http or https URL of at most ${urlCharsMax} characters.`);
    }
    if (url.username !== "" || url.password !== "") {
      throw invalid("url", "url must not hold a user name or password; send them in an Authorization header (headers).");
    }
    url.hash = "";
    try {
      await this.#soon(this.addressesOf(url));
    } catch (error) {
      if (error instanceof ForbiddenAddress) throw invalid("url", `${error.message} MATRIC_WEBHOOK_ALLOW can allow it.`);
    }
    // What was written without a path is shown without one.
    return text.trim() === url.origin ? url.origin : url.href;
  }

  /**
   * The addresses at which `url` may be connected to, at least one. Rejects with `ForbiddenAddress`, or as the DNS does. The
   * connection must be made to one of these very addresses: a second look-up could answer something else.
   */
  async addressesOf(url: URL): Promise<Address[]> {
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const addresses = await this.#resolve(host);
    const port = portOf(url);
    const allowed = this.allowList.allowsHost(url) ? addresses : addresses.filter((one) => this.#mayConnect(one, port));
    if (allowed.length > 0) return allowed;
    const leads = isIP(host) === 0 ? `url leads to ${addresses[0]?.address}, which` : `${host}`;
    throw new ForbiddenAddress(`${leads} is a private, local or otherwise special address; webhooks are not sent there.`);
  }

  async #resolve(host: string): Promise<Address[]> {
    const family = isIP(host);
    if (family !== 0) return [{ address: host, family: family === 4 ? 4 : 6 }];
    // These never leave the machine, whatever a DNS server says of them (RFC 6761).
    if (/(^|\.)localhost\.*$/.test(host)) return loopback;
    if (metadataNames.test(host)) return metadata;
    return this.resolve(host);
  }

  #mayConnect({ address }: Address, port: number): boolean {
    return !isSpecialAddress(address) || this.allowList.allowsAddress(address, port);
  }

  #soon<T>(result: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const cancel = this.clock.after(lookupTimeoutMs, () => resolve(undefined));
      result.then(resolve, reject).finally(cancel);
    });
  }
}
