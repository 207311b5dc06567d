import { useEffect, useLayoutEffect } from "preact/hooks";
import { JobsPanel } from "../jobs/jobs-panel.tsx";
import { QueueIndicator } from "../jobs/queue-indicator.tsx";
import { NoteListPane } from "../notes/note-list-pane.tsx";
import { NotePane } from "../notes/note-pane.tsx";
import { usePage } from "../page.ts";
import { WebhookBanner } from "../webhooks/webhook-banner.tsx";
import { ConnectionState } from "./connection.tsx";
import { Icon, type IconName } from "./icon.tsx";
import { lazyView } from "./lazy-view.tsx";
import { hrefOf, type Route, route } from "./route.ts";
import { SignIn } from "./sign-in.tsx";
import { ThemeButton } from "./theme.tsx";
import { ToastArea } from "./toast-area.tsx";
import { useAct } from "./use-act.ts";

const History = lazyView(() => import("../notes/history-pane.tsx").then((module) => module.HistoryPane));

const Events = lazyView(() => import("../events/events-view.tsx").then((module) => module.EventsView));
const Webhooks = lazyView(() => import("../webhooks/webhooks-view.tsx").then((module) => module.WebhooksView));

const places: { route: Route; label: string; icon: IconName }[] = [
  { route: { view: "notes" }, label: "Notes", icon: "notes" },
  { route: { view: "events" }, label: "Events", icon: "events" },
  { route: { view: "webhooks" }, label: "Webhooks", icon: "hook" },
];

/** The page, for those who may see it. */
export function Shell() {
  const { session } = usePage();
  return session.state.value === "needed" ? <SignIn /> : <Frame />;
}

function Frame() {
  const { desk, jobs, session } = usePage();
  const at = route.value;
  const create = useAct(() => desk.create());
  // Before it is seen: no key is too early.
  useLayoutEffect(() => {
    const obey = (event: KeyboardEvent) => {
      if (!event.altKey || event.ctrlKey || event.metaKey) return;
      if (event.code === "KeyN") void create(event);
      else if (event.code === "KeyJ") jobs.isPanelOpen.value = !jobs.isPanelOpen.value;
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", obey);
    return () => removeEventListener("keydown", obey);
  }, []);
  useEffect(() => {
    document.title = titleOf(at, desk.open.value?.base.value?.title);
  });
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById("main")?.focus()}>
        Skip to the content
      </button>
      <header class="bar">
        <a class="brand" href="#/notes">
          matric
        </a>
        <nav aria-label="Views">
          {places.map(({ route: target, label, icon }) => (
            <a
              key={label}
              aria-label={label}
              title={label}
              href={hrefOf(target)}
              aria-current={isAt(at, target) ? "page" : undefined}
            >
              <Icon name={icon} />
              <span class="wide-only">{label}</span>
            </a>
          ))}
        </nav>
        <QueueIndicator />
        <ConnectionState />
        <ThemeButton />
        {session.state.value === "signed_in" && (
          <button type="button" class="plain square" aria-label="Sign out" title="Sign out" onClick={() => session.signOut()}>
            <Icon name="leave" />
          </button>
        )}
      </header>
      <WebhookBanner />
      <main id="main" tabIndex={-1} class={mainClass(at)}>
        <h1 class="hidden">{titleOf(at, desk.open.value?.base.value?.title)}</h1>
        <View />
      </main>
      <JobsPanel />
      <ToastArea />
    </>
  );
}

function View() {
  const { desk } = usePage();
  const at = route.value;
  const note = desk.open.value;
  if (at.view === "events") return <Events />;
  if (at.view === "webhooks") return <Webhooks webhookId={at.webhookId} />;
  return (
    <>
      <NoteListPane />
      {at.view === "history" && note ? <History note={note} version={at.version} /> : <NotePane />}
    </>
  );
}

function mainClass(at: Route): string {
  if (at.view === "notes" || at.view === "history") return at.noteId === undefined ? "notes-view" : "notes-view open";
  return "single-view";
}

function isAt(at: Route, target: Route): boolean {
  return at.view === target.view || (at.view === "history" && target.view === "notes");
}

function titleOf(at: Route, noteTitle: string | undefined): string {
  if (at.view === "events") return "Events · matric";
  if (at.view === "webhooks") return "Webhooks · matric";
  return noteTitle === undefined ? "matric" : `${noteTitle} · matric`;
}
