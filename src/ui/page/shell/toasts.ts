import { signal } from "@preact/signals";

export interface Toast {
  /** A toast with the key of one that is shown takes its place. */
  key: string;
  kind: "info" | "success" | "problem";
  text: string;
  detail?: string;
  action?: { label: string; run: () => unknown };
}

const shownMs = 6000;
/** Enough time to read, and to reach the button. */
const actionShownMs = 12_000;
const shownMost = 4;

/** Short words about what just happened. Problems stay until they are closed. */
export class Toasts {
  readonly items = signal<readonly Toast[]>([]);
  readonly #timers = new Map<string, number>();

  constructor() {
    // What happened while the tab was in the background is still there when it comes to the front.
    document.addEventListener("visibilitychange", () => (document.hidden ? this.hold() : this.release()));
  }

  show(toast: Toast): void {
    const others = this.items.value.filter(({ key }) => key !== toast.key);
    this.items.value = [...others, toast].slice(-shownMost);
    this.#arm(toast);
  }

  /** For something that was asked for and did not work. */
  problem(text: string, error: unknown): void {
    this.show({ key: text, kind: "problem", text, detail: error instanceof Error ? error.message : String(error) });
  }

  dismiss(key: string): void {
    clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
    this.items.value = this.items.value.filter((toast) => toast.key !== key);
  }

  /** Nothing disappears while somebody points at it or has the focus in it. */
  hold(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  release(): void {
    for (const toast of this.items.value) this.#arm(toast);
  }

  #arm(toast: Toast): void {
    clearTimeout(this.#timers.get(toast.key));
    if (toast.kind === "problem" || document.hidden) return;
    const timer = setTimeout(() => this.dismiss(toast.key), toast.action ? actionShownMs : shownMs);
    this.#timers.set(toast.key, Number(timer));
  }
}
