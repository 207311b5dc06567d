import { BlockList, isIP } from "node:net";

/** One setting: where it comes from, what it may be, and what it is for. The README's table is made of these. */
export interface Setting<T> {
  env: string;
  default: T;
  /** Shown instead of the default where that depends on the machine. */
  defaultText?: string;
  help: string;
  parse: (text: string) => T;
  /** Not to be given as a flag, which other users of the machine could see. */
  isSecret?: true;
}

/** The flag of `matric serve`: `--job-types` for MATRIC_JOB_TYPES. */
export function flagOf({ env, isSecret }: Pick<Setting<unknown>, "env" | "isSecret">): string | undefined {
  return isSecret ? undefined : `--${env.replace("MATRIC_", "").toLowerCase().replaceAll("_", "-")}`;
}

/** Lets each setting have the type of its default. */
export const setting = <T>(one: Setting<T>): Setting<T> => one;

export function nonEmpty(text: string): string {
  if (text.trim() === "") throw new Error("must not be empty");
  return text;
}

export function integer(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text.trim()) || value < least || value > most)
      throw new Error(`must be a whole number from ${least} to ${most}`);
    return value;
  };
}

export function decimal(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+(\.\d+)?$/.test(text.trim()) || value < least || value > most)
      throw new Error(`must be a number from ${least} to ${most}`);
    return value;
  };
}

export function oneOf<const T extends string>(...allowed: T[]): (text: string) => T {
  return (text) => {
    const found = allowed.find((one) => one === text);
    if (!found) throw new Error(`must be one of ${allowed.join(", ")}`);
    return found;
  };
}

export function names(text: string): string[] {
  const list = text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (list.some((name) => !/^[a-z][a-z0-9_.-]{0,63}$/.test(name))) {
    throw new Error("must be names of lower-case letters, digits, `_`, `-` and `.`, separated by commas");
  }
  return [...new Set(list)];
}

export function origins(text: string): string[] {
  const list = text
    .split(",")
    .map((origin) => origin.trim().toLowerCase().replace(/\/$/, ""))
    .filter((origin) => origin !== "");
  if (list.some((origin) => !/^[a-z][a-z0-9+.-]*:\/\/[^/\s]+$/.test(origin))) {
    throw new Error("must be origins like https://notes.example, separated by commas");
  }
  return [...new Set(list)];
}

export function httpUrl(text: string): string {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) throw new Error("must be an http or https URL");
  return text;
}

/** A list with commas, of anything without blanks. */
export function words(text: string): string[] {
  const list = text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
  if (list.some((word) => /\s/.test(word))) throw new Error("must be a list separated by commas");
  return [...new Set(list)];
}

/** Addresses and networks (`10.1.0.0/16`). */
export function networks(text: string): string[] {
  const list = words(text);
  networkList(list);
  return list;
}

/** Throws what is wrong with an entry; undefined for none. */
export function networkList(entries: readonly string[]): BlockList | undefined {
  if (entries.length === 0) return undefined;
  const list = new BlockList();
  for (const entry of entries) {
    const [address = "", prefix, ...rest] = entry.split("/");
    const family = isIP(address);
    const most = family === 6 ? 128 : 32;
    const bits = prefix === undefined ? most : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
    if (family === 0 || !(bits <= most) || rest.length > 0 || address.includes("%"))
      throw new Error("must list addresses and networks like 10.1.0.0/16, separated by commas");
    list.addSubnet(address, bits, family === 6 ? "ipv6" : "ipv4");
  }
  return list;
}

/** Whether the name or address of a host is one that only this machine reaches. */
export function isLoopback(host: string): boolean {
  return /^((.+\.)?localhost\.?|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);
}
