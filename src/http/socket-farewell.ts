import type { ServerWebSocket } from "bun";
import type { Access } from "../auth/access.ts";
import type { Principal } from "../auth/principal.ts";
import { type Cancel, type Clock, every } from "../clock.ts";
import { type Connection, type Connections, wakeUpMs } from "./connections.ts";
import { closeCodes, type SocketData } from "./socket-data.ts";

/** How often it is looked whether the client has taken its last word. */
const takenLookMs = 500;

/**
 * Closes a WebSocket that was too slow once its client has taken what is on the way to it, and cuts it when that does not happen in
 * time. Not at once: Bun cuts the connection a few seconds after the closing frame, whether the client took that or not. It keeps its
 * place until the connection is gone; then what is returned has to be called.
 */
export function closeWhenTaken(
  ws: ServerWebSocket<SocketData>,
  { clock, access, connections }: { clock: Clock; access: Access; connections: Connections },
  connection: Connection,
  principal: Principal,
): Cancel {
  const giveUpMs = clock.monotonicMs() + wakeUpMs;
  const cancel = every(clock, takenLookMs, () => {
    // What the system holds is asked last: beside thousands of connections that takes tens of milliseconds.
    if (ws.getBufferedAmount() === 0 && ws.data.request.systemQueue() === 0) ws.close(closeCodes.slow, "slow");
    else if (clock.monotonicMs() >= giveUpMs) ws.terminate();
  });
  // Nor does it outlive the right to what is still on its way.
  const letGo = access.holds.add({ principal, end: () => ws.terminate() });
  const freePlace = connections.keepPlace(connection);
  return () => {
    cancel();
    letGo();
    freePlace();
  };
}
