import type { Scope } from "../auth/contract.ts";
import { MatricError } from "../errors.ts";
import { type Family, families } from "../events/families.ts";
import type { Caller } from "./backend.ts";
import { eventsUri, queueUri } from "./changes.ts";

/** Throws `forbidden` that names the scope which the caller's token does not have. */
export function mustHave({ scopes }: Pick<Caller, "scopes">, ...needed: readonly Scope[]): void {
  const missing = scopes && needed.find((scope) => !scopes.includes(scope));
  if (missing)
    throw new MatricError("forbidden", `This needs the scope ${missing}, which the token does not have.`, { scope: missing });
}

/** Families of events that the caller may not read; undefined when it may read all. */
export function hiddenFrom({ scopes }: Pick<Caller, "scopes">): readonly Family[] | undefined {
  const hidden = scopes ? families.filter((family) => !scopes.includes(`${family}:read`)) : [];
  return hidden.length === 0 ? undefined : hidden;
}

/** What somebody needs to be told of changes to the resource at `uri`. */
export function scopeOf(uri: string): Scope {
  if (uri === eventsUri) return "events:read";
  return uri === queueUri ? "jobs:read" : "notes:read";
}

/** Of any resource at all. */
export const scopesOfAll: readonly Scope[] = ["events:read", "notes:read", "jobs:read"];
