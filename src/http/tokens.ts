import { Type } from "@sinclair/typebox";
import { CreatedToken, CreateToken, TokenPage } from "../auth/contract.ts";
import { emptyAnswer } from "./empty.ts";
import { jsonText } from "./json.ts";
import { json, operation } from "./operation.ts";
import { pageItemsDefault, pageQuery } from "./page-query.ts";
import { plugin } from "./plugin.ts";
import { queryReader } from "./read-query.ts";
import type { Services } from "./services.ts";

const tag = "access";

/** Access tokens, for administrators. */
export function tokenRoutes({ access: { tokens }, config }: Services) {
  const ListTokens = Type.Object(pageQuery(config.pageItemsMax));
  const readList = queryReader(ListTokens);
  return plugin("tokens")
    .post("/tokens", async ({ body }) => jsonText(JSON.stringify(await tokens.create(body)), 201), {
      body: CreateToken,
      detail: operation({
        id: "createToken",
        tag,
        summary: "Make an access token",
        answers: { 201: json("The new token", CreatedToken) },
        errors: ["rate_limited"],
      }),
    })
    .get(
      "/tokens",
      ({ request }) => {
        const { limit = pageItemsDefault, ...query } = readList(request);
        return jsonText(JSON.stringify(tokens.list({ limit, ...query })));
      },
      {
        detail: operation({
          id: "listTokens",
          tag,
          summary: "List access tokens, the oldest first",
          description: "Those that were revoked or have expired among them.",
          query: ListTokens,
          answers: { 200: json("One page", TokenPage) },
        }),
      },
    )
    .delete(
      "/tokens/:id",
      async ({ params }) => {
        await tokens.revoke(params.id);
        return emptyAnswer(204);
      },
      {
        detail: operation({
          id: "revokeToken",
          tag,
          summary: "Revoke an access token",
          description:
            "At once and for good: what is open in its name is closed within a second, and the webhooks that were made with it are disabled.",
          path: { id: "Id of the token" },
          answers: { 204: { description: "The token is revoked" } },
          errors: ["not_found"],
        }),
      },
    );
}
