import type { McpRequestContext, Server } from "@modelcontextprotocol/server";
import { StdioServerTransport, serveStdio } from "@modelcontextprotocol/server/stdio";
import type { Clock } from "../clock.ts";
import type { Logger } from "../logger.ts";
import type { Backend } from "./backend.ts";
import { ResourceChanges } from "./changes.ts";
import { type ChannelOptions, pushEvents } from "./channel.ts";
import { createProtocolServer } from "./server.ts";
import { Waiters } from "./waiters.ts";

/** One client has no use for more. */
const waitersMax = 64;
/** A larger message ends the connection; what a note can hold fits in well, so that it gets a proper answer. */
const messageBytesMax = 64 * 1024 * 1024;

export interface StdioOptions {
  backend: Backend;
  clock: Clock;
  logger: Logger;
  version: string;
  stdin: NodeJS.ReadStream;
  stdout: NodeJS.WriteStream;
  /** Push these events into the agent's session. */
  channel?: ChannelOptions;
  /** Aborts when the process should end. */
  signal: AbortSignal;
}

/** Serves the one client at the other end of the pipes, in whichever revision it speaks. Resolves when it has gone. */
export async function serveStdioClient(options: StdioOptions): Promise<void> {
  const { backend, clock, logger, version, stdin, stdout, channel, signal } = options;
  const changes = new ResourceChanges(backend, clock);
  const waiters = new Waiters(waitersMax);
  let latest: Server | undefined;
  const factory = ({ era }: McpRequestContext) => {
    const server = createProtocolServer({ backend, changes, waiters, logger, version, isChannel: channel !== undefined });
    latest = server;
    if (!channel) return server;
    const closed = new AbortController();
    const endServer = server.onclose;
    server.onclose = () => {
      closed.abort();
      endServer?.();
    };
    const push = () => void pushEvents(server, channel, { backend, clock, logger, signal: closed.signal });
    // A client of the present revision shakes no hands: it is there as soon as it asks for something.
    if (era === "legacy") server.oninitialized = push;
    else push();
    return server;
  };
  const transport = new StdioServerTransport(stdin, stdout, { maxBufferSize: messageBytesMax });
  const handle = serveStdio(factory, {
    transport,
    onerror: (error) => logger.debug("a message was refused", { error: error.message }),
  });
  tellListeners(transport, changes, () => latest);
  const { promise, resolve } = Promise.withResolvers<void>();
  const connectionClosed = transport.onclose;
  transport.onclose = () => {
    connectionClosed?.();
    resolve();
  };
  signal.addEventListener("abort", () => void handle.close());
  if (signal.aborted) void handle.close();
  await promise;
  waiters.endAll();
  changes.stop();
}

/**
 * `subscriptions/listen` is answered by the SDK, which gives on only what its listeners want. We tell it of changes from the
 * first of them on: following the log is not free.
 */
function tellListeners(transport: StdioServerTransport, changes: ResourceChanges, server: () => Server | undefined): void {
  const receive = transport.onmessage;
  let isTelling = false;
  transport.onmessage = (message) => {
    if (!isTelling && "method" in message && message.method === "subscriptions/listen") {
      isTelling = true;
      changes.subscribe((uri) => {
        server()
          ?.sendResourceUpdated({ uri })
          .catch(() => {});
      });
    }
    receive?.(message);
  };
}
