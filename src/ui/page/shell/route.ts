import { signal } from "@preact/signals";

/** What the page shows; the address after `#` says it, so that links, bookmarks and the back button work. */
export type Route =
  | { view: "notes"; noteId?: string }
  | { view: "history"; noteId: string; version?: number }
  | { view: "events" }
  | { view: "webhooks"; webhookId?: string };

export const route = signal<Route>(parseRoute(location.hash));

addEventListener("hashchange", () => {
  route.value = parseRoute(location.hash);
});

export function parseRoute(hash: string): Route {
  const [view, id, more, version] = hash.replace(/^#?\//, "").split("/").map(decoded);
  if (view === "events") return { view: "events" };
  if (view === "webhooks") return { view: "webhooks", ...(id ? { webhookId: id } : {}) };
  if (view !== "notes" || !id) return { view: "notes" };
  if (more !== "history") return { view: "notes", noteId: id };
  return { view: "history", noteId: id, ...(version && /^\d+$/.test(version) ? { version: Number(version) } : {}) };
}

export function hrefOf(target: Route): string {
  if (target.view === "events") return "#/events";
  if (target.view === "webhooks") return target.webhookId ? `#/webhooks/${encodeURIComponent(target.webhookId)}` : "#/webhooks";
  if (!target.noteId) return "#/notes";
  const note = `#/notes/${encodeURIComponent(target.noteId)}`;
  if (target.view === "notes") return note;
  return target.version === undefined ? `${note}/history` : `${note}/history/${target.version}`;
}

export function go(target: Route): void {
  location.hash = hrefOf(target);
}

/** The same, without leaving a place to come back to. */
export function replaceRoute(target: Route): void {
  history.replaceState(null, "", hrefOf(target));
  route.value = target;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
