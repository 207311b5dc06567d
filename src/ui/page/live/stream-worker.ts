// Holds the one connection that all tabs of this browser share. It lives as long as one of them does.
import { Api } from "../../../client/api.ts";
import { type FeedMessage, FeedRunner, type FeedState } from "./feed-runner.ts";

/** What a tab says to it. */
export type TabMessage = "retry" | "bye";

const ports = new Set<MessagePort>();
let isStarted = false;
let state: FeedState = { state: "connecting" };

const runner = new FeedRunner(new Api({ url: new URL("..", location.href).href }), (message) => {
  state = message.state ?? state;
  tell(message);
});

function tell(message: FeedMessage): void {
  for (const port of ports) port.postMessage(message);
}

function leave(port: MessagePort): void {
  if (ports.delete(port)) tell({ tabs: ports.size });
}

addEventListener("connect", (event) => {
  const [port] = event instanceof MessageEvent ? event.ports : [];
  if (!port) return;
  ports.add(port);
  port.addEventListener("message", ({ data }: MessageEvent<TabMessage>) => {
    if (data === "bye") leave(port);
    else runner.retryNow();
  });
  // For a tab that died without a word; not every browser tells.
  port.addEventListener("close", () => leave(port));
  port.start();
  port.postMessage({ state } satisfies FeedMessage);
  tell({ tabs: ports.size });
  if (!isStarted) runner.start();
  isStarted = true;
});
