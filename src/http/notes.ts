import { Type } from "@sinclair/typebox";
import { notFound } from "../errors.ts";
import { Job, ReviseNote } from "../jobs/contract.ts";
import { CreateNote, Note, NoteFilter, NotePage, Revision, RevisionPage, UpdateNote } from "../notes/contract.ts";
import { actorOf } from "./actor.ts";
import { emptyAnswer } from "./empty.ts";
import { etagOf, expectedVersion, isKnown } from "./if-match.ts";
import { jsonText } from "./json.ts";
import { json, operation } from "./operation.ts";
import { pageItemsDefault, pageQuery } from "./page-query.ts";
import { plugin } from "./plugin.ts";
import { queryReader } from "./read-query.ts";
import type { Services } from "./services.ts";

const tag = "notes";
const path = { id: "Id of the note" };
const revisionPath = { ...path, version: "Number of the revision" };
const etag = { ETag: 'The version of the note in double quotes, `"3"`' };
const located = { Location: "Where it can be read from now on" };
const ifMatch = Type.Object({
  "If-Match": Type.Optional(Type.String({ description: "The ETag that the note must still have; else the answer is 412" })),
});
const ifNoneMatch = Type.Object({
  "If-None-Match": Type.Optional(
    Type.String({ description: "The ETag that the client has; if the note has it still, the answer is 304" }),
  ),
});

/** Notes and their revisions. */
export function noteRoutes({ notes, jobs, config }: Services) {
  const ListRevisions = Type.Object(pageQuery(config.pageItemsMax));
  const ListNotes = Type.Object({ ...NoteFilter.properties, ...ListRevisions.properties });
  const readList = queryReader(ListNotes);
  const readRevisions = queryReader(ListRevisions);
  const versionNow = (id: string) => () => notes.get(id).version;
  return plugin("notes")
    .post(
      "/notes",
      async ({ request, body }) => {
        const note = await notes.create(body, actorOf(request));
        return noteAnswer(note, 201, { location: `/api/v1/notes/${note.id}` });
      },
      {
        body: CreateNote,
        detail: operation({
          id: "createNote",
          tag,
          summary: "Write a note",
          answers: { 201: json("The new note", Note, { ...etag, ...located }) },
        }),
      },
    )
    .get(
      "/notes",
      ({ request }) => {
        const { limit = pageItemsDefault, ...query } = readList(request);
        return jsonText(JSON.stringify(notes.list({ limit, ...query })));
      },
      {
        detail: operation({
          id: "listNotes",
          tag,
          summary: "List notes, or search their full text",
          description:
            "The newest change first; with `q` the best match first. A page of long notes can hold fewer than `limit`.",
          query: ListNotes,
          answers: { 200: json("One page", NotePage) },
        }),
      },
    )
    .get(
      "/notes/:id",
      ({ request, params }) => {
        const note = notes.get(params.id);
        if (isKnown(request, note.version)) return emptyAnswer(304, { etag: etagOf(note.version) });
        return noteAnswer(note);
      },
      {
        detail: operation({
          id: "getNote",
          tag,
          summary: "Read a note",
          path,
          headers: ifNoneMatch,
          answers: { 200: json("The note", Note, etag), 304: { description: "The client has this version", headers: etag } },
          errors: ["not_found"],
        }),
      },
    )
    .patch(
      "/notes/:id",
      async ({ request, params, body }) => {
        const expected = expectedVersion(request, versionNow(params.id));
        return noteAnswer(await notes.update(params.id, body, { actor: actorOf(request), ifMatch: expected }));
      },
      {
        body: UpdateNote,
        detail: operation({
          id: "updateNote",
          tag,
          summary: "Change a note",
          description:
            "What is left out stays as it is. A change to what the note says already makes no new version and no event.",
          path,
          headers: ifMatch,
          answers: { 200: json("The note as it is now", Note, etag) },
          errors: ["not_found", "version_conflict"],
        }),
      },
    )
    .delete(
      "/notes/:id",
      async ({ request, params }) => {
        const expected = expectedVersion(request, versionNow(params.id));
        await notes.remove(params.id, { actor: actorOf(request), ifMatch: expected });
        return emptyAnswer(204);
      },
      {
        detail: operation({
          id: "deleteNote",
          tag,
          summary: "Delete a note",
          description: "It and its revisions are kept and can be restored.",
          path,
          headers: ifMatch,
          answers: { 204: { description: "The note is deleted" } },
          errors: ["malformed", "not_found", "version_conflict"],
        }),
      },
    )
    .post("/notes/:id/restore", async ({ request, params }) => noteAnswer(await notes.restore(params.id, actorOf(request))), {
      detail: operation({
        id: "restoreNote",
        tag,
        summary: "Take the deletion of a note back",
        path,
        answers: { 200: json("The note", Note, etag) },
        errors: ["not_found", "conflict"],
      }),
    })
    .get(
      "/notes/:id/revisions",
      ({ request, params }) => {
        const { limit = pageItemsDefault, ...query } = readRevisions(request);
        return jsonText(JSON.stringify(notes.revisions(params.id, { limit, ...query })));
      },
      {
        detail: operation({
          id: "listRevisions",
          tag,
          summary: "List the revisions of a note",
          description: "The newest first, texts that were kept aside among them.",
          path,
          query: ListRevisions,
          answers: { 200: json("One page", RevisionPage) },
          errors: ["not_found"],
        }),
      },
    )
    .get(
      "/notes/:id/revisions/:version",
      ({ params }) => jsonText(JSON.stringify(notes.revision(params.id, revisionNumber(params)))),
      {
        detail: operation({
          id: "getRevision",
          tag,
          summary: "Read one revision of a note",
          path: revisionPath,
          answers: { 200: json("The revision", Revision) },
          errors: ["not_found"],
        }),
      },
    )
    .post(
      "/notes/:id/revisions/:version/restore",
      async ({ request, params }) => {
        const expected = expectedVersion(request, versionNow(params.id));
        const change = { actor: actorOf(request), ifMatch: expected };
        return noteAnswer(await notes.restoreRevision(params.id, revisionNumber(params), change));
      },
      {
        detail: operation({
          id: "restoreRevision",
          tag,
          summary: "Give a note the text of one of its revisions",
          description: "It becomes the newest version, unless the note says just that already.",
          path: revisionPath,
          headers: ifMatch,
          answers: { 200: json("The note as it is now", Note, etag) },
          errors: ["malformed", "not_found", "version_conflict"],
        }),
      },
    )
    .post(
      "/notes/:id/revise",
      async ({ request, params, body }) => {
        const { job } = await jobs.revise(params.id, body, actorOf(request));
        return jsonText(JSON.stringify(job), 202, { location: `/api/v1/jobs/${job.id}` });
      },
      {
        body: ReviseNote,
        detail: operation({
          id: "reviseNote",
          tag,
          summary: "Have a note revised by AI",
          description:
            "Queues an `ai_revision` job. A text that the user changes meanwhile is never overwritten: the job works on the newest version, or keeps its text aside as a revision.",
          path,
          answers: { 202: json("The job that will do it", Job, located) },
          errors: ["not_found"],
        }),
      },
    );
}

function noteAnswer(note: Note, status = 200, more?: Record<string, string>): Response {
  return jsonText(JSON.stringify(note), status, { etag: etagOf(note.version), ...more });
}

function revisionNumber({ id, version }: { id: string; version: string }): number {
  if (!/^\d{1,15}$/.test(version)) throw notFound(`revision of the note "${id}"`, version);
  return Number(version);
}
