/**
 * Every event that is counted carries one token: `~M~`, which connection published it (2 digits), its number (9) and when it
 * became due for sending (microseconds since the start of the bench, 10), `~E`. Subscribers look for nothing else in the bytes.
 */
const mark = Buffer.from("~M~");
const tokenBytes = 26;
const tilde = 0x7e;
const letterM = 0x4d;
const letterE = 0x45;

export function tokenOf(publisher: number, seq: number, dueUs: number): string {
  return `~M~${String(publisher).padStart(2, "0")}${String(seq).padStart(9, "0")}${String(Math.floor(dueUs)).padStart(10, "0")}~E`;
}

export type Found = (publisher: number, seq: number, dueUs: number) => void;

/** Finds the tokens in the bytes of one connection, also those that are cut in two between reads. */
export class TokenScanner {
  /** The end of the last read, where a token has begun. */
  #rest: Buffer | undefined;

  scan(bytes: Buffer, found: Found): void {
    const joined = this.#rest ? Buffer.concat([this.#rest, bytes]) : bytes;
    this.#rest = undefined;
    let from = 0;
    for (let at = joined.indexOf(mark); at >= 0; at = joined.indexOf(mark, from)) {
      if (joined.length - at < tokenBytes) {
        this.#keep(joined, at);
        return;
      }
      read(joined, at, found);
      from = at + tokenBytes;
    }
    if (joined[joined.length - 1] === tilde) this.#keep(joined, joined.length - 1);
    else if (joined[joined.length - 2] === tilde && joined[joined.length - 1] === letterM) this.#keep(joined, joined.length - 2);
  }

  #keep(bytes: Buffer, from: number): void {
    // A copy: the system uses the memory of a read again.
    this.#rest = Buffer.from(bytes.subarray(from));
  }
}

function read(bytes: Buffer, at: number, found: Found): void {
  if (bytes[at + 24] !== tilde || bytes[at + 25] !== letterE) return;
  found(digits(bytes, at + 3, at + 5), digits(bytes, at + 5, at + 14), digits(bytes, at + 14, at + 24));
}

function digits(bytes: Buffer, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) value = value * 10 + (bytes[at] ?? 48) - 48;
  return value;
}
