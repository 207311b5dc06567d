/** A position in the log: the sequence number of the last event seen, and the life of the log it belongs to. */
export interface Cursor {
  seq: number;
  /** Undefined when only the number was given; it then belongs to the present life of the log. */
  epoch: string | undefined;
}

const pattern = /^(\d{1,15})(?:-([a-z0-9]{1,16}))?$/;

/** Reads `<seq>-<epoch>` or a bare `<seq>`; undefined when `text` is neither. */
export function parseCursor(text: string): Cursor | undefined {
  const match = pattern.exec(text);
  return match ? { seq: Number(match[1]), epoch: match[2] } : undefined;
}

export function formatCursor(seq: number, epoch: string): string {
  return `${seq}-${epoch}`;
}

/** A new life of the log: six characters, enough to tell the lives of one installation apart. */
export function createEpoch(): string {
  const alphabet = "0123456789abcdefghijklmnopqrstuvwxyz";
  return Array.from(crypto.getRandomValues(new Uint8Array(6)), (byte) => alphabet[byte % 36]).join("");
}
