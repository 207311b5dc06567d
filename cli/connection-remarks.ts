import type { StreamState } from "../src/client/stream.ts";
import type { Context } from "./context.ts";
import { remark } from "./output.ts";

/** Tells `opening` when a stream is connected for the first time, then once of every loss, and once that it is back. */
export class ConnectionRemarks {
  #isLost = false;
  #isNew = true;

  constructor(
    private readonly context: Context,
    private readonly opening?: { code: string; message: string },
  ) {}

  tell(state: StreamState): void {
    if (state.state === "live" && this.#isNew) {
      this.#isNew = false;
      if (this.opening) this.#say(this.opening.code, this.opening.message);
    } else if (state.state === "reconnecting" && !this.#isLost) {
      this.#isLost = true;
      this.#say("reconnecting", `${state.error?.message ?? "The server ended the stream."} Reconnecting …`);
    } else if (state.state === "live" && this.#isLost) {
      this.#isLost = false;
      this.#say("reconnected", "Connected again.");
    }
  }

  #say(code: string, message: string): void {
    // A closed stderr is no reason to end.
    remark(this.context, code, message).catch(() => {});
  }
}
