import type { Api } from "../../../client/api.ts";
import { isFinal } from "../../../client/errors.ts";
import { socketConnect } from "../../../client/socket-connection.ts";
import { sseConnect } from "../../../client/sse-connection.ts";
import type { Connect, StreamConnection } from "../../../client/stream-connection.ts";

export type Transport = "ws" | "sse";

/** How long a network that would not carry a WebSocket is not asked again. */
const avoidSocketMs = 5 * 60_000;

/** WebSocket first; SSE where a proxy or a firewall lets no WebSocket through, or cuts it before its first word. */
export function socketThenSse(api: Api, onTransport: (transport: Transport) => void): Connect {
  const socket = socketConnect(api);
  const sse = sseConnect(api);
  let avoidUntilMs = 0;
  const avoid = () => {
    avoidUntilMs = api.clock.monotonicMs() + avoidSocketMs;
  };
  return async (request) => {
    if (api.clock.monotonicMs() >= avoidUntilMs) {
      try {
        const connection = await socket(request);
        onTransport("ws");
        return noticingSilence(connection, avoid);
      } catch (error) {
        if (request.signal.aborted || isFinal(error)) throw error;
      }
    }
    // When the server itself cannot be reached this fails too, and the WebSocket is tried again next time.
    const connection = await sse(request);
    avoid();
    onTransport("sse");
    return connection;
  };
}

/** Calls `onMute` when the connection ends without having said anything. */
function noticingSilence(connection: StreamConnection, onMute: () => void): StreamConnection {
  const read = connection.read.bind(connection);
  let hasSpoken = false;
  connection.read = async () => {
    try {
      const frames = await read();
      hasSpoken ||= frames !== undefined;
      if (!hasSpoken) onMute();
      return frames;
    } catch (error) {
      if (!hasSpoken) onMute();
      throw error;
    }
  };
  return connection;
}
