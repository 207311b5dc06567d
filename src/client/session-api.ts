import { Session } from "../auth/contract.ts";
import type { Api } from "./api.ts";

const session = "api/v1/session";

/** Who a browser is signed in as. The token lives in a cookie that no script can read. */
export class SessionApi {
  constructor(private readonly api: Api) {}

  /** Rejects with `unauthorized` when nobody is signed in, and somebody has to be. */
  get(signal?: AbortSignal): Promise<Session> {
    return this.api.json("GET", session, Session, { signal });
  }

  signIn(token: string, signal?: AbortSignal): Promise<Session> {
    return this.api.json("POST", session, Session, { body: { token }, signal });
  }

  signOut(signal?: AbortSignal): Promise<void> {
    return this.api.done("DELETE", session, { signal });
  }
}
