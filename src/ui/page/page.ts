import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { Api } from "../../client/api.ts";
import { type Client, createClient } from "../../client/client.ts";
import { EventTape } from "./events/event-tape.ts";
import { JobBoard } from "./jobs/job-board.ts";
import { JobToasts } from "./jobs/job-toasts.ts";
import { Feed } from "./live/feed.ts";
import { Drafts } from "./notes/drafts.ts";
import { NoteDesk } from "./notes/note-desk.ts";
import { NoteList } from "./notes/note-list.ts";
import { NoteTitles } from "./notes/note-titles.ts";
import { ServerInfo } from "./shell/server-info.ts";
import { SessionKeeper } from "./shell/session-keeper.ts";
import { Toasts } from "./shell/toasts.ts";
import { WebhookBoard } from "./webhooks/webhook-board.ts";

/** Everything that the views show and do. */
export interface Page {
  /** The server's address, with a slash at its end. */
  url: string;
  client: Client;
  feed: Feed;
  session: SessionKeeper;
  toasts: Toasts;
  server: ServerInfo;
  list: NoteList;
  titles: NoteTitles;
  drafts: Drafts;
  desk: NoteDesk;
  jobs: JobBoard;
  jobToasts: JobToasts;
  tape: EventTape;
  webhooks: WebhookBoard;
}

/** Puts the page together. Nothing is fetched before `feed.start()`. */
export function createPage(url: string, streamWorkerUrl: URL): Page {
  const client = createClient({ url });
  const feed = new Feed(new Api({ url }), streamWorkerUrl);
  const session = new SessionKeeper(client, feed);
  const toasts = new Toasts();
  const server = new ServerInfo(client);
  const list = new NoteList(client);
  const titles = new NoteTitles(client, list);
  const drafts = new Drafts(sessionStorage);
  const jobs = new JobBoard(client);
  const desk = new NoteDesk({ client, list, jobs, drafts, toasts });
  const tape = new EventTape(client);
  const webhooks = new WebhookBoard(client);
  const openNoteId = () => desk.open.value?.id;
  const jobToasts = new JobToasts({ client, toasts, openNoteId, titleOf: (id) => titles.of(id) });
  for (const listener of [server, jobs, list, titles, desk, jobToasts, tape, webhooks]) feed.add(listener);
  return { url, client, feed, session, toasts, server, list, titles, drafts, desk, jobs, jobToasts, tape, webhooks };
}

export const PageContext = createContext<Page | undefined>(undefined);

export function usePage(): Page {
  const page = useContext(PageContext);
  if (!page) throw new Error("there is no page around this view");
  return page;
}
