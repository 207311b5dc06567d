import {
  type ReadResourceResult,
  type Resource,
  ResourceNotFoundError,
  type ResourceTemplateType,
} from "@modelcontextprotocol/server";
import { ClientError } from "../client/errors.ts";
import { MatricError } from "../errors.ts";
import type { Backend, Caller } from "./backend.ts";
import { eventsUri, noteIdOf, noteUri, queueUri } from "./changes.ts";
import { listedEvent } from "./cut.ts";

const latestEvents = 50;
/** The notes that are listed; any other is reached by its URI. */
const listedNotes = 50;

const fixed: Resource[] = [
  {
    uri: eventsUri,
    name: "events",
    title: "Latest events",
    description: `The ${latestEvents} newest events, oldest first`,
    mimeType: "application/json",
  },
  {
    uri: queueUri,
    name: "queue",
    title: "Job queue",
    description: "How many jobs wait and run, and whether the queue is paused",
    mimeType: "application/json",
  },
];

export const resourceTemplates: ResourceTemplateType[] = [
  {
    uriTemplate: "matric://notes/{id}",
    name: "note",
    title: "Note",
    description: "The text of a note: Markdown, after a head with its title, tags and version",
    mimeType: "text/markdown",
  },
];

/** What there is always, and the notes that changed last, if the caller may read notes. */
export async function listResources(backend: Backend, caller: Caller): Promise<Resource[]> {
  const { items } = await backend.searchNotes({ limit: listedNotes }, caller).catch((error: unknown) => {
    if (isForbidden(error)) return { items: [] };
    throw error;
  });
  const notes = items.map(({ id, title, version, updated_at }) => ({
    uri: noteUri(id),
    name: `note-${id}`,
    title,
    description: `A note, at version ${version}`,
    mimeType: "text/markdown",
    annotations: { lastModified: updated_at },
  }));
  return [...fixed, ...notes];
}

/** Rejects with `ResourceNotFoundError` when there is nothing at this URI, and with whatever the backend says. */
export async function readResource(uri: string, backend: Backend, caller: Caller): Promise<ReadResourceResult> {
  if (uri === eventsUri) return json(uri, (await backend.latestEvents(latestEvents, caller)).map(listedEvent));
  if (uri === queueUri) return json(uri, await backend.queueStatus(caller));
  const id = noteIdOf(uri);
  if (id === undefined) throw new ResourceNotFoundError(uri);
  const { title, tags, version, content } = await backend.getNote(id, caller);
  const head = ["---", `title: ${JSON.stringify(title)}`, `tags: ${JSON.stringify(tags)}`, `version: ${version}`, "---"];
  return { contents: [{ uri, mimeType: "text/markdown", text: `${head.join("\n")}\n\n${content}` }] };
}

function isForbidden(error: unknown): boolean {
  return (error instanceof MatricError || error instanceof ClientError) && error.code === "forbidden";
}

function json(uri: string, value: unknown): ReadResourceResult {
  return { contents: [{ uri, mimeType: "application/json", text: JSON.stringify(value) }] };
}
