const steps = [
  [60, "s"],
  [60, "min"],
  [24, "h"],
  [Number.POSITIVE_INFINITY, "d"],
] as const;

/** A duration in its largest unit: `42 s`, `5 min`, `3 h`, `12 d`. */
export function duration(ms: number): string {
  let amount = Math.max(0, ms) / 1000;
  for (const [most, unit] of steps) {
    if (amount < most) return `${Math.floor(amount)} ${unit}`;
    amount /= most;
  }
  return "";
}

/** How long ago an RFC 3339 time was. */
export function ago(time: string, nowMs = Date.now()): string {
  const ms = nowMs - Date.parse(time);
  return ms < 1000 ? "now" : `${duration(ms)} ago`;
}
