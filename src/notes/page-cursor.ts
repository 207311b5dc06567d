import { invalid } from "../errors.ts";

// A cursor says where the page before it ended. It is opaque, so that its form can change; a client only hands it back.

/** In lists the newest change comes first: the last note of the page before. */
export interface NotePosition {
  updatedAt: number;
  id: string;
}

export const notePosition = {
  format: ({ updatedAt, id }: NotePosition) => encode(`note ${updatedAt} ${id}`),
  /** Throws `invalid`, as the others do. */
  parse(cursor: string): NotePosition {
    const [, updatedAt, id] = decode(cursor, /^note (\d{1,15}) ([0-9a-f-]{36})$/);
    return { updatedAt: Number(updatedAt), id: id ?? "" };
  },
};

/** In a search: how many hits came before. Ranks shift with every change of any note, so that they make no stable key. */
export const searchOffset = {
  format: (offset: number) => encode(`search ${offset}`),
  parse: (cursor: string) => Number(decode(cursor, /^search (\d{1,9})$/)[1]),
};

/** Among revisions: the row of the last one of the page before. */
export const revisionPosition = {
  format: (rowId: number) => encode(`revision ${rowId}`),
  parse: (cursor: string) => Number(decode(cursor, /^revision (\d{1,15})$/)[1]),
};

function encode(text: string): string {
  return Buffer.from(text).toString("base64url");
}

function decode(cursor: string, form: RegExp): RegExpExecArray {
  const match = form.exec(Buffer.from(cursor, "base64url").toString());
  if (!match) throw invalid("cursor", "cursor must be the next_cursor of the page before, from the same list.");
  return match;
}
