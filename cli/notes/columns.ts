import { isImportTag, type Note, type Revision } from "../../src/notes/contract.ts";
import type { Column } from "../table.ts";
import { ago } from "../when.ts";

/** How notes are listed. What importing remembers by tags is not for people. */
export const noteColumns: Column<Note>[] = [
  { header: "id", text: ({ id }) => id, colour: () => "dim" },
  { header: "title", text: ({ title }) => title, shrinks: true },
  { header: "tags", text: ({ tags }) => tags.filter((tag) => !isImportTag(tag)).join(", "), colour: () => "cyan", gives: 1 },
  { header: "version", text: ({ version }) => String(version), gives: 3 },
  { header: "updated", text: ({ updated_at }) => ago(updated_at), plain: ({ updated_at }) => updated_at, gives: 2 },
];

export const revisionColumns: Column<Revision>[] = [
  { header: "version", text: ({ version }) => String(version) },
  { header: "source", text: ({ source }) => source },
  {
    header: "state",
    text: ({ applied }) => (applied ? "applied" : "kept aside"),
    colour: ({ applied }) => (applied ? undefined : "yellow"),
  },
  { header: "created", text: ({ created_at }) => ago(created_at), plain: ({ created_at }) => created_at, gives: 1 },
  { header: "size", text: ({ content }) => String(content.length), gives: 2 },
  { header: "title", text: ({ title }) => title, shrinks: true },
];
