import { EventSource } from "eventsource";
import WebSocket from "ws";
import type { Envelope } from "../../src/events/catalog.ts";

/** Somebody who listens, over restarts of the server, and remembers every logged event in the order of arrival. */
export interface Watcher {
  readonly name: string;
  readonly seen: Envelope[];
  stop(): Promise<void>;
}

const reconnectMs = 100;

/** npm `ws`, with the little that an application adds: connect again after the last id. */
export function watchWebSocket(url: string): Watcher {
  const seen: Envelope[] = [];
  let socket: WebSocket;
  let timer: Timer | undefined;
  let stopped = false;
  const connect = () => {
    const since = seen.at(-1)?.id ?? "earliest";
    socket = new WebSocket(`${url.replace("http", "ws")}/api/v1/ws?since=${since}`);
    socket.on("message", (data) => remember(seen, String(data)));
    socket.on("error", () => {});
    socket.on("close", () => {
      if (!stopped) timer = setTimeout(connect, reconnectMs);
    });
  };
  connect();
  return {
    name: "ws",
    seen,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      socket.terminate();
    },
  };
}

/** npm `eventsource`, which resumes by itself as browsers do. */
export function watchEventSource(url: string, names: readonly string[]): Watcher {
  const seen: Envelope[] = [];
  const source = new EventSource(`${url}/api/v1/events?since=earliest`);
  for (const name of names) source.addEventListener(name, (event) => remember(seen, String(event.data)));
  return { name: "eventsource", seen, stop: async () => source.close() };
}

/** `matric events tail --json` in a process of its own. */
export function watchTail(binary: string, url: string): Watcher {
  const seen: Envelope[] = [];
  const child = Bun.spawn([binary, "events", "tail", "--json", "--since", "earliest", "--url", url], {
    env: { PATH: process.env.PATH ?? "" },
    stdout: "pipe",
    stderr: "ignore",
  });
  const reading = (async () => {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of child.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) remember(seen, line);
    }
  })();
  return {
    name: "tail",
    seen,
    async stop() {
      child.kill("SIGINT");
      await child.exited;
      await reading;
    },
  };
}

function remember(seen: Envelope[], text: string): void {
  const event: Envelope = JSON.parse(text);
  if (event.id !== undefined) seen.push(event);
}
