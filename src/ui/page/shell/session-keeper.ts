import { effect, signal } from "@preact/signals";
import type { Client } from "../../../client/client.ts";
import { ClientError } from "../../../client/errors.ts";
import type { Feed } from "../live/feed.ts";

/** `open`: this server asks nobody who they are. */
export type SessionState = "unknown" | "open" | "signed_in" | "needed";

/** Whether this browser is signed in, where the server asks for it. */
export class SessionKeeper {
  readonly state = signal<SessionState>("unknown");

  constructor(
    private readonly client: Client,
    private readonly feed: Feed,
  ) {
    // The token may have expired, or been revoked; or another tab has signed in, and the connection that it shares with this one stands.
    effect(() => {
      const { state } = feed.state.value;
      if (state === "refused" || (state === "live" && this.state.peek() === "needed")) void this.check();
    });
  }

  async check(): Promise<void> {
    try {
      const { auth } = await this.client.session.get();
      this.state.value = auth === "on" ? "signed_in" : "open";
    } catch (error) {
      // What cannot be reached has not refused anybody; the state of the connection says the rest.
      if (error instanceof ClientError && error.code === "unauthorized") this.state.value = "needed";
    }
  }

  /** Rejects when the server does not accept the token. */
  async signIn(token: string): Promise<void> {
    await this.client.session.signIn(token.trim());
    this.state.value = "signed_in";
    this.feed.retryNow();
  }

  async signOut(): Promise<void> {
    await this.client.session.signOut();
    // Nothing of what was shown stays on the page, and no tab keeps listening.
    this.feed.retryNow();
    location.reload();
  }
}
