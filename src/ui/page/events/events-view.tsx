import { useEffect, useMemo, useState } from "preact/hooks";
import { catalog } from "../../../events/catalog.ts";
import { usePage } from "../page.ts";
import { Icon } from "../shell/icon.tsx";
import { lazyView } from "../shell/lazy-view.tsx";
import { timeOfDay } from "../shell/time.ts";
import { VirtualList } from "../shell/virtual-list.tsx";
import { EventDetail } from "./event-detail.tsx";
import { eventFilter } from "./event-filter.ts";
import type { TapeEvent } from "./log-tail.ts";

const Charts = lazyView(() => import("./event-charts.tsx").then((module) => module.EventCharts));

const rowHeightPx = 38;

/** Everything that happens, as it happens. */
export function EventsView() {
  const { tape } = usePage();
  const [typed, type] = useState("");
  const [held, hold] = useState<readonly TapeEvent[] | undefined>(undefined);
  const [chosen, choose] = useState<TapeEvent | undefined>(undefined);
  useEffect(() => tape.watch(), []);
  const live = tape.events.value;
  const events = held ?? live;
  const shown = useMemo(() => (typed === "" ? events : events.filter(eventFilter(typed))), [events, typed]);
  const first = held?.[0]?.id;
  const missed = held ? live.findIndex(({ id }) => id === first) : 0;
  return (
    <section class="events" aria-label="Events">
      <div class="events-main">
        <Charts />
        <div class="events-bar">
          <label class="search">
            <Icon name="search" />
            <input
              type="search"
              placeholder="NoteUpdated, Job*, an id…"
              aria-label="Filter events by name or by what they contain"
              list="event-names"
              onInput={({ currentTarget }) => type(currentTarget.value)}
            />
          </label>
          <datalist id="event-names">
            {["Note*", "Job*", "Webhook*", ...Object.keys(catalog)].map((name) => (
              <option key={name} value={name} />
            ))}
          </datalist>
          <button
            type="button"
            aria-pressed={held !== undefined}
            onClick={() => hold((now) => (now ? undefined : tape.events.peek()))}
          >
            <Icon name={held ? "play" : "pause"} />
            <span>{held ? "Go on" : "Pause"}</span>
          </button>
          <span class="muted count" role="status">
            {held ? `Paused${missed > 0 ? `, ${missed} since` : ""}` : `${shown.length} events`}
          </span>
        </div>
        {tape.hasFailed.value && (
          <p class="quiet-notice" role="status">
            What happened before could not be loaded.
            <button type="button" class="plain" onClick={() => tape.refresh()}>
              Try again
            </button>
          </p>
        )}
        {shown.length === 0 ? (
          <p class="empty">
            {events.length === 0 ? "Nothing has happened yet. Write a note, and see what that sets off." : "No event matches."}
          </p>
        ) : (
          <VirtualList
            items={shown}
            keyOf={({ id }) => id}
            rowHeightPx={rowHeightPx}
            label="Events, the newest first"
            isGrowing
            render={(event, tabIndex) => (
              <EventRow event={event} tabIndex={tabIndex} isChosen={event.id === chosen?.id} onChoose={() => choose(event)} />
            )}
          />
        )}
      </div>
      {chosen && <EventDetail event={chosen} onClose={() => choose(undefined)} />}
    </section>
  );
}

interface EventRowProps {
  event: TapeEvent;
  tabIndex: 0 | -1;
  isChosen: boolean;
  onChoose: () => void;
}

function EventRow({ event: { id, name, text }, tabIndex, isChosen, onChoose }: EventRowProps) {
  const { time, data } = JSON.parse(text) as { time: string; data: Record<string, unknown> };
  return (
    <button type="button" class="event-row" tabIndex={tabIndex} aria-pressed={isChosen} onClick={onChoose}>
      <time dateTime={time}>{timeOfDay(time)}</time>
      <span class={`event-name ${familyOf(name)}`}>{name}</span>
      <span class="event-data cut">{summaryOf(data)}</span>
      <span class="event-id">{id.split("-")[0]}</span>
    </button>
  );
}

function familyOf(name: string): string {
  if (!Object.hasOwn(catalog, name)) return "custom";
  return /^(Note|Job|Queue|Webhook)/.exec(name)?.[0].toLowerCase() ?? "custom";
}

/** The data in one line; of ids the end, where they differ. */
function summaryOf(data: Record<string, unknown>): string {
  return Object.entries(data)
    .map(([key, value]) => `${key}=${key.endsWith("_id") ? `…${String(value).slice(-6)}` : JSON.stringify(value)}`)
    .join("  ");
}
