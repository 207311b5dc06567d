import { CreatedToken, type CreateToken, TokenPage } from "../auth/contract.ts";
import type { Api } from "./api.ts";
import { segment } from "./base-url.ts";
import type { PageQuery } from "./paging.ts";

const tokens = "api/v1/tokens";

/** Access tokens, for administrators. */
export class TokensApi {
  constructor(private readonly api: Api) {}

  /** The answer holds the token itself, which is never told again. */
  create(token: CreateToken, signal?: AbortSignal): Promise<CreatedToken> {
    return this.api.json("POST", tokens, CreatedToken, { body: token, signal });
  }

  /** The oldest first. */
  list({ limit, cursor }: PageQuery = {}, signal?: AbortSignal): Promise<TokenPage> {
    return this.api.json("GET", tokens, TokenPage, { query: { limit, cursor }, signal });
  }

  revoke(id: string, signal?: AbortSignal): Promise<void> {
    return this.api.done("DELETE", `${tokens}/${segment(id)}`, { signal });
  }
}
