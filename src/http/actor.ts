import { anybody } from "../auth/principal.ts";
import type { Actor } from "../events/catalog.ts";
import { admittedAs } from "./auth.ts";

/**
 * Who makes a request, as the events it causes will say: the token that it was let in with, where tokens are asked for. Programs
 * that act on an agent's behalf say so in a header.
 */
export function actorOf(request: Request): Actor {
  const principal = admittedAs(request) ?? anybody;
  return request.headers.get("x-matric-actor") === "agent" ? principal.agent : principal.user;
}
