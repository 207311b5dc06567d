import type { Actor } from "../events/catalog.ts";

const anybody: Actor = { kind: "user", id: null };
const agent: Actor = { kind: "agent", id: null };

/**
 * Who makes a request, as the events it causes will say. Nobody signs in: everybody is the same user, but for programs that say
 * that they act on an agent's behalf.
 */
export function actorOf(request: Request): Actor {
  return request.headers.get("x-matric-actor") === "agent" ? agent : anybody;
}
