import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { asyncApiDocument } from "./asyncapi.ts";
import { jsonText } from "./json.ts";
import type { Route } from "./openapi.ts";
import { json, operation } from "./operation.ts";
import { urlOf } from "./request-url.ts";
import type { Services } from "./services.ts";
import { swaggerAssets, swaggerPage } from "./swagger-page.ts";

const hidden = { detail: { hide: true } };

/** The documents of the API, made from the routes themselves, and a page to read them. `routes` is asked when the first is wanted. */
export function docsRoutes({ version }: Services, routes: () => readonly Route[]) {
  let openApi: string | undefined;
  const openApiText = async () => {
    // What writes the document is large; nobody waits for it at the start.
    const { openApiDocument } = await import("./openapi.ts");
    return JSON.stringify(await openApiDocument(routes(), version));
  };
  const app = new Elysia({ name: "docs" })
    .get("/swagger", ({ request }) => swaggerPage(urlOf(request)), hidden)
    .get(
      "/swagger/json",
      async () => {
        openApi ??= await openApiText();
        return jsonText(openApi);
      },
      hidden,
    )
    .get("/api/v1/asyncapi.json", ({ request }) => jsonText(JSON.stringify(asyncApiDocument(version, urlOf(request).host))), {
      detail: operation({
        id: "getAsyncApi",
        tag: "operations",
        summary: "The AsyncAPI document of the streams and of every event",
        answers: {
          200: json("An AsyncAPI 3 document", Type.Object({ asyncapi: Type.String() }, { additionalProperties: true })),
        },
      }),
    });
  for (const [name, answer] of Object.entries(swaggerAssets)) app.get(`/swagger/${name}`, answer, hidden);
  return app;
}
