import { Type } from "@sinclair/typebox";
import { ReviseNote } from "../../jobs/contract.ts";
import { CreateNote, Note, NoteFilter, UpdateNote } from "../../notes/contract.ts";
import { excerptOf, partOf } from "../cut.ts";
import { defineTool, reads } from "../tool.ts";
import { JobView, jobView } from "./jobs.ts";

const contentCharsDefault = 20_000;
const contentCharsMax = 100_000;
const foundMax = 100;
const foundDefault = 20;

const strict = { additionalProperties: false };
const { content: _content, ...withoutContent } = Note.properties;
const NoteHead = Type.Object(withoutContent);
const NoteId = Type.String({ maxLength: 64, description: "Id of the note" });

/** All but the text, which the agent knows: it has just written it. */
const headOf = ({ content: _, ...head }: Note) => head;

export const noteTools = [
  defineTool({
    name: "search_notes",
    title: "Search notes",
    description:
      "Finds notes by their words, best match first; without q it lists notes, the newest change first. Answers with excerpts; get_note has the text.",
    input: Type.Object(
      {
        ...NoteFilter.properties,
        limit: Type.Optional(
          Type.Integer({ minimum: 1, maximum: foundMax, description: `At most so many notes (default ${foundDefault})` }),
        ),
        cursor: Type.Optional(Type.String({ maxLength: 500, description: "next_cursor of the page before" })),
      },
      strict,
    ),
    output: Type.Object({
      notes: Type.Array(Type.Object({ ...withoutContent, excerpt: Type.String(), content_chars: Type.Integer() })),
      next_cursor: Type.Union([Type.String(), Type.Null()], { description: "Null on the last page" }),
    }),
    annotations: reads,
    async run({ limit = foundDefault, ...query }, backend, caller) {
      const { items, next_cursor } = await backend.searchNotes({ limit, ...query }, caller);
      const notes = items.map((note) => ({
        ...headOf(note),
        excerpt: excerptOf(note.content, query.q ?? ""),
        content_chars: note.content.length,
      }));
      return { notes, next_cursor };
    },
  }),
  defineTool({
    name: "get_note",
    title: "Get a note",
    description:
      "Reads a note. A long text comes in parts: go on with offset = next_offset until that is null. With revision it reads an earlier version, or a text that was kept aside (event NoteRevisionCreated).",
    input: Type.Object(
      {
        id: NoteId,
        revision: Type.Optional(
          Type.Integer({ minimum: 1, description: "Read the text of this revision instead of the newest" }),
        ),
        offset: Type.Optional(Type.Integer({ minimum: 0, description: "Where in the text to begin (default 0)" })),
        max_chars: Type.Optional(
          Type.Integer({
            minimum: 1,
            maximum: contentCharsMax,
            description: `At most so much text (default ${contentCharsDefault})`,
          }),
        ),
      },
      strict,
    ),
    output: Type.Object({
      ...Note.properties,
      content_chars: Type.Integer({ description: "Length of the whole text" }),
      next_offset: Type.Union([Type.Integer(), Type.Null()], {
        description: "Where the next part begins; null when this was the last",
      }),
    }),
    annotations: reads,
    async run({ id, revision, offset = 0, max_chars = contentCharsDefault }, backend, caller) {
      const note = await backend.getNote(id, caller);
      const { title, content, tags, version } = revision === undefined ? note : await backend.getRevision(id, revision, caller);
      const { part, nextOffset } = partOf(content, offset, max_chars);
      return { ...note, title, content: part, tags, version, content_chars: content.length, next_offset: nextOffset };
    },
  }),
  defineTool({
    name: "create_note",
    title: "Create a note",
    description: "Writes a new note and answers with its id and version.",
    input: CreateNote,
    output: NoteHead,
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false },
    async run(note, backend, caller) {
      return headOf(await backend.createNote(note, caller));
    },
  }),
  defineTool({
    name: "update_note",
    title: "Update a note",
    description: [
      "Changes a note. `version` is the one that get_note told: when somebody has changed the note since, nothing is changed and the",
      "error names the newest version; read the note again and decide anew. What you leave out stays as it is.",
      "`content` and `tags` replace the whole text and all tags: send the complete text, never a part of a long one.",
    ].join(" "),
    input: Type.Object(
      {
        id: NoteId,
        version: Type.Integer({ minimum: 1, description: "The version of the note that your change is made for" }),
        ...UpdateNote.properties,
      },
      strict,
    ),
    output: NoteHead,
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
    async run({ id, version, ...patch }, backend, caller) {
      return headOf(await backend.updateNote(id, version, patch, caller));
    },
  }),
  defineTool({
    name: "revise_note",
    title: "Revise a note with AI",
    description:
      "Queues a job that has the server's own AI revise the note, and answers at once with the job. To wait for its end call wait_for_events with job_id = its id, after = its created_at and events = [JobCompleted, JobFailed, JobCancelled]; then get_note has the new text.",
    input: Type.Object({ id: NoteId, ...ReviseNote.properties }, strict),
    output: JobView,
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false },
    async run({ id, instructions }, backend, caller) {
      return jobView(await backend.reviseNote(id, instructions, caller));
    },
  }),
];
