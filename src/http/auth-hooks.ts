import { Elysia } from "elysia";
import type { Services } from "./services.ts";

/** Lets nobody in who may not, where auth is on. Where it is off there is nothing here that a request would pass through. */
export function authHooks({ access, gate, config }: Services) {
  const hooks = new Elysia({ name: "auth" });
  if (!access.isOn) return hooks;
  if (config.jwtIssuer === undefined) {
    return hooks.onTransform({ as: "global" }, ({ request, route }) => {
      gate.admit(request, route);
    });
  }
  return hooks.onTransform({ as: "global" }, async ({ request, route }) => {
    await gate.admit(request, route);
  });
}

/** Reads bodies: of those who may send one, and of nobody else. */
export function bodyHooks({ access, gate, bodies }: Services) {
  const hooks = new Elysia({ name: "bodies" });
  if (!access.isOn) return hooks.onParse({ as: "global" }, ({ request }) => bodies.read(request));
  return hooks.onParse({ as: "global" }, async ({ request, route }) => {
    await gate.admit(request, route);
    return bodies.read(request);
  });
}
