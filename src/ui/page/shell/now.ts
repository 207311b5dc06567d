import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";

/** The time of day for what says "4 min ago"; moves twice a minute. */
export const nowMs = signal(Date.now());

setInterval(() => {
  nowMs.value = Date.now();
}, 30_000);

/** Paints the component anew every `periodMs` while `isOn`, for what counts seconds. */
export function useTicking(periodMs: number, isOn: boolean): void {
  const [, tick] = useState(0);
  useEffect(() => {
    if (!isOn) return;
    const timer = setInterval(() => tick((count) => count + 1), periodMs);
    return () => clearInterval(timer);
  }, [periodMs, isOn]);
}
