import { MatricError } from "../errors.ts";
import type { Actor } from "../events/catalog.ts";
import { type Family, families } from "../events/families.ts";
import { type Scope, scopes } from "./contract.ts";

/** Who makes a request and what it may do. One object lives as long as the token it stands for. */
export interface Principal {
  /** The token's id, or the `sub` of a JWT; null where nobody signs in. */
  readonly id: string | null;
  readonly scopes: ReadonlySet<Scope>;
  /** Families of events that it may not read; undefined when it may read all. */
  readonly hidden: readonly Family[] | undefined;
  readonly expiresAtMs: number | null;
  /** As the events say that it causes, by itself or for an agent. */
  readonly user: Actor;
  readonly agent: Actor;
}

export function createPrincipal(id: string | null, granted: Iterable<Scope>, expiresAtMs: number | null): Principal {
  const all = new Set(granted);
  const effective: ReadonlySet<Scope> = all.has("admin") ? new Set(scopes) : all;
  const hidden = families.filter((family) => !effective.has(`${family}:read`));
  return {
    id,
    scopes: effective,
    hidden: hidden.length === 0 ? undefined : hidden,
    expiresAtMs,
    user: { kind: "user", id },
    agent: { kind: "agent", id },
  };
}

/** Everybody, where nobody signs in. */
export const anybody = createPrincipal(null, ["admin"], null);

/** Throws `forbidden` that names the scope when one of these is not granted. */
export function requireScopes(principal: Principal, needed: readonly Scope[]): void {
  for (const scope of needed) {
    if (principal.scopes.has(scope)) continue;
    throw new MatricError("forbidden", `This needs the scope ${scope}, which the token does not have.`, { scope });
  }
}
