/** Before the second, third … attempt. */
const delaysMs = [1000, 5000, 25_000, 125_000];
/** After so many attempts a delivery is given up. */
export const attemptsMax = delaysMs.length + 1;
/** Added, never subtracted, so that what failed together does not come back together. */
const jitter = 0.1;
/** A receiver cannot put a delivery off for longer. */
export const retryAfterMsMax = 3_600_000;

/** How long to wait after `attempts` that failed. `random` is 0 to 1. */
export function retryDelayMs(attempts: number, retryAfterMs: number | undefined, random: number): number {
  const delayMs = delaysMs[Math.min(attempts, delaysMs.length) - 1] ?? 0;
  return Math.max(Math.round(delayMs * (1 + jitter * random)), retryAfterMs ?? 0);
}

const probeDelaysMs = [5, 10, 20, 40, 60].map((minutes) => minutes * 60_000);

/** How long a failed webhook rests before it is tried with one event, `probes` tries after it failed. */
export function probeDelayMs(probes: number): number {
  return probeDelaysMs[Math.min(probes, probeDelaysMs.length - 1)] ?? 0;
}

/** The longest that anything is ever put off: a wall clock that was set back cannot make it longer. */
export const delayMsMax = retryAfterMsMax;

/** What a `Retry-After` asks for: seconds, or a date. Undefined for what makes no sense, at most an hour. */
export function retryAfterMs(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return /^-/.test(text) || !(ms > 0) ? undefined : Math.min(Math.ceil(ms), retryAfterMsMax);
}
