import { Type } from "@sinclair/typebox";
import { TypeCompiler } from "@sinclair/typebox/compiler";
import { Elysia } from "elysia";
import { mismatch } from "../mismatch.ts";
import type { Services } from "./services.ts";

const anObject = TypeCompiler.Compile(Type.Object({}));

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

/** Reads bodies, which are objects all: of those who may send one, and of nobody else. */
export function bodyHooks({ access, gate, bodies }: Services) {
  const hooks = new Elysia({ name: "bodies" });
  return hooks.onParse({ as: "global" }, async ({ request, route }) => {
    if (access.isOn) await gate.admit(request, route);
    const body = await bodies.read(request);
    // Where every field may be left out, Elysia lets pass whatever has none.
    if (!anObject.Check(body)) throw mismatch(anObject.Errors(body).First(), "The body");
    return body;
  });
}
