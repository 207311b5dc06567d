import type { Lab } from "./lab.ts";

/** One line of the result: what was measured, beside its target. */
export interface Figure {
  what: string;
  figure: string;
  /** Measured in the same run, where the target is a ratio. */
  baseline?: string;
  target: string;
  ok: boolean;
}

export interface Bench {
  /** The built program. */
  binary: string;
  /** Shorter, and each thing measured once. */
  quick: boolean;
  lab: Lab;
  report(figure: Figure): void;
  /** A line that is no figure. */
  note(text: string): void;
}

export type Scenario = (bench: Bench) => Promise<void>;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1] ?? Number.NaN;
}

/** The mean of the middle half: nearly as exact as the mean, and the few rounds that something disturbed do not count. */
export function midmean(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const quarter = Math.floor(sorted.length / 4);
  const middle = sorted.slice(quarter, sorted.length - quarter);
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
}

/** `12,345`, `12.3` or `0.12`: three digits that say something. */
export function number(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US");
  return Number.isInteger(value) ? String(value) : value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}
