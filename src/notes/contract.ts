import { type Static, Type } from "@sinclair/typebox";
import { Actor, catalog } from "../events/catalog.ts";

/** Lengths of strings are in UTF-16 code units, as JavaScript and TypeBox count them. */
export const titleCharsMax = 500;
export const tagCharsMax = 64;
export const tagsMax = 64;
export const queryCharsMax = 1000;
/** Texts that were kept aside are numbered above this, so that a note's own versions have no gap. No note is changed so often. */
export const asideVersionsFrom = 1_000_000_000;

const Id = Type.String({ description: "Id of the note (UUIDv7)" });
const Time = (description: string) => Type.String({ format: "date-time", description });
const NextCursor = Type.Union([Type.String(), Type.Null()], {
  description: "Pass it as `cursor` for the next page; null on the last",
});
const Source = catalog.NoteUpdated.data.properties.source;
const Applied = Type.Boolean({ description: "False: a text that was kept aside for the user to choose; the note never had it" });

const Title = Type.String({
  minLength: 1,
  maxLength: titleCharsMax,
  description: "One line; blanks around it are removed, and it must not be empty then",
});
const Content = Type.String({ description: "Markdown; anything but the NUL character" });
const Tags = Type.Array(Type.String({ minLength: 1, maxLength: tagCharsMax }), {
  maxItems: tagsMax,
  description: "In the order given; blanks around each are removed, Unicode is composed (NFC), repeats are dropped",
});

const text = { title: Title, content: Content, tags: Tags };

export const Note = Type.Object(
  {
    id: Id,
    ...text,
    version: Type.Integer({ minimum: 1, description: "Grows with every change of the note; it is the ETag too" }),
    created_at: Time("When the note was created"),
    updated_at: Time("When the note last changed"),
  },
  { description: "A Markdown document" },
);
export type Note = Static<typeof Note>;

export const CreateNote = Type.Object({ ...text, tags: Type.Optional(Tags) }, { additionalProperties: false });
export type CreateNote = Static<typeof CreateNote>;

export const UpdateNote = Type.Partial(Type.Object(text), {
  additionalProperties: false,
  description: "What is left out stays as it is",
});
export type UpdateNote = Static<typeof UpdateNote>;

export const Revision = Type.Object(
  {
    note_id: Id,
    version: Type.Integer({
      minimum: 1,
      description: `The version of the note, or for a text that was kept aside a number above ${asideVersionsFrom}`,
    }),
    based_on: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()], {
      description: "The version whose text this one was made from; null for the first",
    }),
    ...text,
    source: Source,
    actor: Actor,
    job_id: Type.Union([Type.String(), Type.Null()], { description: "The job that wrote the text, if one did" }),
    applied: Applied,
    created_at: Time("When the revision was stored"),
  },
  { description: "A text that a note had, or that was kept aside for it" },
);
export type Revision = Static<typeof Revision>;

export const NotePage = Type.Object({ items: Type.Array(Note), next_cursor: NextCursor });
export type NotePage = Static<typeof NotePage>;

export const RevisionPage = Type.Object({ items: Type.Array(Revision), next_cursor: NextCursor });
export type RevisionPage = Static<typeof RevisionPage>;

/** What `GET /notes` takes besides `limit` and `cursor`. */
export const NoteFilter = Type.Object({
  q: Type.Optional(
    Type.String({
      maxLength: queryCharsMax,
      description:
        "Words that must all occur in title, content or tags; the last may be the beginning of a word. Best match first",
    }),
  ),
  tag: Type.Optional(Type.String({ description: "Only notes with this tag" })),
});
export type NoteFilter = Static<typeof NoteFilter>;

/** Beginnings of the tags by which `matric notes import` knows a file again. They are no words of a person's. */
export const importTagPrefixes = { path: "import:", text: "import-text:" };

/** Whether a tag is one that only machines read: it is kept, and not shown. */
export function isImportTag(tag: string): boolean {
  return Object.values(importTagPrefixes).some((prefix) => tag.startsWith(prefix));
}
