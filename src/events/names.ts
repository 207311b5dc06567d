import { nearestOf } from "../spelling.ts";
import { catalog } from "./catalog.ts";
import { transientCatalog } from "./transient-catalog.ts";

/** All names that matric itself uses; a custom event can have none of them. */
export const builtInNames: readonly string[] = [...Object.keys(catalog), ...Object.keys(transientCatalog)];

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
  return nearestOf(name, builtInNames);
}

/** `job.completed` or `job_completed` → `JobCompleted`; anything else stays as it is. */
export function fromDotted(name: string): string {
  if (!/^[a-z]/.test(name) || !/^[a-z0-9._*]+$/.test(name)) return name;
  return name
    .split(/[._]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
}
