import { builtInNames } from "./catalog.ts";

const pascalCase = /^[A-Z][A-Za-z0-9]{0,63}$/;

/** Whether `name` has the form of an event's name: PascalCase, at most 64 letters and digits. */
export function isEventName(name: string): boolean {
  return pascalCase.test(name);
}

export function isBuiltIn(name: string): boolean {
  return builtInNames.includes(name);
}

/** The built-in name that `name` was probably meant to be: one within two letters that is not `name` itself. */
export function nearestBuiltIn(name: string): string | undefined {
  return builtInNames
    .map((known) => ({ known, distance: distance(name.toLowerCase(), known.toLowerCase()) }))
    .filter(({ known, distance }) => distance <= 2 && known !== name)
    .sort((a, b) => a.distance - b.distance)[0]?.known;
}

/** `job.completed` or `job_completed` → `JobCompleted`; anything else stays as it is. */
export function fromDotted(name: string): string {
  if (!/^[a-z]/.test(name) || !/^[a-z0-9._*]+$/.test(name)) return name;
  return name
    .split(/[._]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
}

/** Levenshtein's: how many letters must be added, removed or exchanged. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3;
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const exchange = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(exchange, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}
