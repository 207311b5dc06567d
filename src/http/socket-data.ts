import type { Principal } from "../auth/principal.ts";
import type { Filter } from "../events/filter.ts";
import type { Position } from "../events/log.ts";
import type { CloseReason } from "./connections.ts";

export interface SocketRequest {
  /** Undefined when the client named none: it gets everything until it subscribes to something. */
  filter: Filter | undefined;
  position: Position;
  resumed: boolean;
  /** Undefined when the client is to say it in its first message. */
  principal: Principal | undefined;
  /** Where the client is, as limits count it. */
  address: string;
  /** What the operating system holds for the client. */
  systemQueue: () => number;
}

/** What a connection hears from its socket. */
export interface SocketListener {
  receive(message: string | Buffer): void;
  pong(): void;
  drain(): void;
  /** The socket is closed. */
  end(): void;
}

/** What hangs on a Bun socket: first the request, then who listens. */
export interface SocketData {
  request: SocketRequest;
  listener?: SocketListener;
}

/** Of WebSocket (RFC 6455, section 7.4), and from 4000 on our own. */
export const closeCodes: Record<CloseReason, number> = {
  client: 1000,
  heartbeat: 4000,
  slow: 4008,
  draining: 1001,
  revoked: 4009,
  expired: 4009,
  error: 1011,
};
