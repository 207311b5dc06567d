import { batch, signal } from "@preact/signals";
import type { Api } from "../../../client/api.ts";
import { ReceivedEvent } from "../../../client/stream-item.ts";
import { catalog, type EventName } from "../../../events/catalog.ts";
import type { Arrival, FeedListener } from "./feed-listener.ts";
import { type FeedItem, type FeedMessage, FeedRunner, type FeedState } from "./feed-runner.ts";
import type { TabMessage } from "./stream-worker.ts";
import { scriptUrl } from "./trusted.ts";

const names = new Set<string>(Object.keys(catalog));

function isName(name: string): name is EventName {
  return names.has(name);
}

/** An event that is not what the catalogue says is skipped: one such must not hide those that come with it. */
function arrivalOf(item: FeedItem): Arrival[] {
  if (item.kind === "unsure") return [];
  const event = new ReceivedEvent(item.kind, item.name, item.id, item.text);
  try {
    if (isName(event.name)) event.dataOf(event.name);
    return [{ event, receivedAtMs: item.receivedAtMs }];
  } catch {
    return [];
  }
}

/** This tab's end of the connection to the server; it is shared with other tabs where the browser can do that. */
export class Feed {
  readonly state = signal<FeedState>({ state: "connecting" });
  readonly tabs = signal(1);
  readonly isOnline = signal(navigator.onLine);
  readonly #listeners: FeedListener[] = [];
  #isFresh = false;
  #isShown = false;
  #retry: () => void = () => {};

  constructor(
    private readonly api: Api,
    private readonly workerUrl: URL,
  ) {}

  add(listener: FeedListener): void {
    this.#listeners.push(listener);
  }

  start(): void {
    addEventListener("online", () => this.#online(true));
    addEventListener("offline", () => this.#online(false));
    if (typeof SharedWorker === "undefined") this.#followAlone();
    else this.#followShared();
  }

  retryNow(): void {
    this.#retry();
  }

  #followShared(): void {
    const worker = new SharedWorker(scriptUrl(this.workerUrl), { type: "module", name: "matric" });
    const say = (message: TabMessage) => worker.port.postMessage(message);
    const leave = () => {
      worker.port.close();
      this.#followAlone();
    };
    worker.addEventListener("error", leave, { once: true });
    worker.port.addEventListener("message", ({ data }: MessageEvent<FeedMessage>) => this.#receive(data));
    worker.port.start();
    this.#retry = () => say("retry");
    addEventListener("pagehide", () => say("bye"));
    // Come back from the browser's back-forward cache: the worker has forgotten this tab.
    addEventListener("pageshow", (event) => {
      if (event instanceof PageTransitionEvent && event.persisted) location.reload();
    });
  }

  #followAlone(): void {
    const runner = new FeedRunner(this.api, (message) => this.#receive(message));
    this.#retry = () => runner.retryNow();
    runner.start();
  }

  #online(isOnline: boolean): void {
    this.isOnline.value = isOnline;
    if (isOnline && this.state.value.state !== "live") this.retryNow();
  }

  #receive({ items = [], state, tabs }: FeedMessage): void {
    batch(() => {
      if (tabs !== undefined) this.tabs.value = tabs;
      if (state) this.#become(state);
      const arrivals = items.flatMap(arrivalOf);
      if (arrivals.length > 0) for (const listener of this.#listeners) listener.arrived?.(arrivals);
      if (items.some(({ kind }) => kind === "unsure")) this.#refresh();
    });
  }

  #become(state: FeedState): void {
    const wasLive = this.state.value.state === "live";
    this.state.value = state;
    if (state.state === "waiting" || (state.state === "refused" && !state.isUnknown)) this.#showWithout();
    if (state.state !== "live" || wasLive) return;
    if (!this.#isFresh) this.#refresh();
    else for (const listener of this.#listeners) listener.resumed?.();
  }

  /** No stream came about, and perhaps none ever will: what can be had without one is fetched. */
  #showWithout(): void {
    if (this.#isFresh || this.#isShown) return;
    this.#isShown = true;
    for (const listener of this.#listeners) listener.refresh?.();
  }

  #refresh(): void {
    this.#isFresh = true;
    for (const listener of this.#listeners) listener.refresh?.();
  }
}
