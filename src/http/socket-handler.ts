import type { ServerWebSocket, WebSocketHandler } from "bun";
import type { Principal } from "../auth/principal.ts";
import { Socket, type SocketDeps } from "./socket.ts";
import type { SocketData } from "./socket-data.ts";
import { SocketSignIn } from "./socket-sign-in.ts";

/** Bun drops messages above its limit in silence: soft limit + a flush (256 KiB of text, UTF-8) stays far below. */
const hardLimitBytes = 16 * 1024 * 1024;

/** More than this waits only for a client that asks on and on and takes no answer: events stop at the soft limit and a flush. */
const answeredBytesMax = 1024 * 1024;

/** Bun's handlers: they only find the connection that belongs to the socket. */
export function socketHandler(deps: SocketDeps, messageBytesMax: number): WebSocketHandler<SocketData> {
  const begin = (ws: ServerWebSocket<SocketData>, principal: Principal) => {
    const connection = new Socket(deps, ws, principal);
    ws.data.listener = connection;
    connection.open();
  };
  return {
    // Above it Bun closes with 1006 and no word; ours answers with 1009 below that.
    maxPayloadLength: messageBytesMax * 2,
    backpressureLimit: hardLimitBytes,
    closeOnBackpressureLimit: false,
    idleTimeout: 0,
    sendPings: false,
    perMessageDeflate: false,
    open(ws) {
      const { principal } = ws.data.request;
      if (principal) begin(ws, principal);
      else ws.data.listener = new SocketSignIn(deps, ws, (found) => begin(ws, found));
    },
    message(ws, message) {
      if (ws.getBufferedAmount() > answeredBytesMax) {
        ws.terminate();
        return;
      }
      if (Buffer.byteLength(message) <= messageBytesMax) {
        ws.data.listener?.receive(message);
        return;
      }
      deps.refusals.count("message_bytes");
      ws.close(1009, `a message is larger than ${messageBytesMax} bytes`);
    },
    pong(ws) {
      ws.data.listener?.pong();
    },
    drain(ws) {
      ws.data.listener?.drain();
    },
    close(ws) {
      ws.data.listener?.end();
    },
  };
}
