import { ClientError } from "../../src/client/errors.ts";
import type { Connect, ConnectRequest, StreamFrame } from "../../src/client/stream-connection.ts";

const time = "2026-02-05T10:30:45.123Z";
const actor = { kind: "system", id: null };

export const eventId = (seq: number, epoch = "abc") => `${seq}-${epoch}`;

export function eventFrame(id: string, name = "ThingHappened", data: Record<string, unknown> = {}): StreamFrame {
  return { name, id, text: JSON.stringify({ id, event: name, time, subject: null, actor, data }) };
}

export function transientFrame(name: string, data: Record<string, unknown>, id?: string): StreamFrame {
  return { name, id, text: JSON.stringify({ event: name, time, subject: null, actor, data }) };
}

export function openedFrame(cursor: string, heartbeatSeconds = 15): StreamFrame {
  const data = {
    connection_id: "c",
    transport: "sse",
    cursor,
    oldest: "1-abc",
    head: cursor,
    resumed: false,
    heartbeat_seconds: heartbeatSeconds,
  };
  return transientFrame("ConnectionOpened", data, cursor);
}

export const broken = () => new ClientError("unreachable", "http://x cannot be reached: the connection was closed.");

/** What one connection does: its batches in order, then it ends, or breaks when the last entry is an error. */
export type Script = (request: ConnectRequest) => (StreamFrame[] | Error)[];

/** A server whose connections behave as written, one script after the other; the last one repeats. */
export function scriptedConnect(...scripts: Script[]) {
  const requests: ConnectRequest[] = [];
  const open = new Set<object>();
  const connect: Connect = async (request) => {
    requests.push(request);
    const script = scripts[Math.min(requests.length, scripts.length) - 1]?.(request) ?? [];
    if (script[0] instanceof Error) throw script[0];
    const steps = [...script];
    const connection = {
      retryMs: undefined,
      silenceMs: 0,
      async read() {
        const step = steps.shift();
        if (step instanceof Error) throw step;
        return step;
      },
      close: () => open.delete(connection),
    };
    open.add(connection);
    return connection;
  };
  return { connect, requests, open };
}
