import { readFileSync } from "node:fs";
import { isIPv4 } from "node:net";
import type { Clock } from "../clock.ts";
import { groupsOf, plain } from "./limits-address.ts";

/** The two ends of a connection, as far as they tell it from others. */
export interface Ends {
  /** The address of the other end. */
  address: string;
  port: number;
  localPort: number;
}

/**
 * Where Linux lists the connections, one a line: the third and fourth word are the local and the remote end, the sixth begins with
 * the bytes that the remote one has not taken.
 */
const tables = ["/proc/net/tcp", "/proc/net/tcp6"];
const line = /^\s*\d+: [\dA-F]+:([\dA-F]{4}) ([\dA-F]+:[\dA-F]{4}) [\dA-F]{2} ([\dA-F]{8}):/;
const mappedPrefix = /^0{16}FFFF0000(?=[\dA-F]{8}:)/;

/** Reading the lists is not free: what was read stays good for so long. */
const freshMs = 1000;

/**
 * What the operating system itself holds for the clients. It takes megabytes for a slow one, and tells the server of room only when
 * a third of it is free again: here it is seen that such a client goes on taking bytes in between.
 */
export class SystemQueues {
  #bytes = new Map<string, number>();
  #readMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly clock: Clock) {}

  /** Bytes on their way that the other end has not taken; 0 where the system does not tell. */
  bytesTo({ address, port, localPort }: Ends): number {
    const nowMs = this.clock.monotonicMs();
    if (nowMs - this.#readMs >= freshMs) {
      this.#bytes = readTables();
      this.#readMs = nowMs;
    }
    return this.#bytes.get(`${hexPort(localPort)} ${hexAddress(plain(address))}:${hexPort(port)}`) ?? 0;
  }
}

function readTables(): Map<string, number> {
  const bytes = new Map<string, number>();
  for (const table of tables) {
    let text: string;
    try {
      text = readFileSync(table, "latin1");
    } catch {
      continue;
    }
    for (const row of text.split("\n")) {
      const [, localPort, remote = "", queue = ""] = line.exec(row) ?? [];
      if (localPort) bytes.set(`${localPort} ${remote.replace(mappedPrefix, "")}`, Number.parseInt(queue, 16));
    }
  }
  return bytes;
}

/** Words of 32 bits, each with its last byte first. */
function hexAddress(address: string): string {
  const bytes = isIPv4(address)
    ? Buffer.from(address.split(".").map(Number))
    : Buffer.from(
        groupsOf(address)
          .map((group) => group.padStart(4, "0"))
          .join(""),
        "hex",
      );
  return bytes.length % 4 === 0 ? bytes.swap32().toString("hex").toUpperCase() : "";
}

function hexPort(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, "0");
}
