import type { StoredEvent } from "../events/log.ts";

const utf8 = new TextEncoder();
const breaksFrame = /[\r\n\0]/;

export interface SseFrame {
  event?: string;
  data?: string;
  id?: string;
  retryMs?: number;
}

/**
 * One frame of `text/event-stream` (WHATWG HTML, section 9.2). A line break or NUL in a field would begin a field of its own,
 * so it is refused.
 */
export function sseFrame({ event, data, id, retryMs }: SseFrame): string {
  let frame = "";
  if (event !== undefined) frame += `event: ${oneLine(event)}\n`;
  if (data !== undefined) frame += `data: ${oneLine(data)}\n`;
  if (id !== undefined) frame += `id: ${oneLine(id)}\n`;
  if (retryMs !== undefined) frame += `retry: ${Math.round(retryMs)}\n`;
  return `${frame}\n`;
}

export const sseHeartbeat = utf8.encode(": heartbeat\n\n");

/** All frames of a batch as one chunk. */
export function encodeSse(events: readonly StoredEvent[]): Uint8Array {
  let frames = "";
  for (const event of events) frames += `event: ${oneLine(event.name)}\ndata: ${oneLine(event.text)}\nid: ${event.id}\n\n`;
  return utf8.encode(frames);
}

/** The same events as lines of JSON. */
export function encodeNdjson(events: readonly StoredEvent[]): Uint8Array {
  let lines = "";
  for (const event of events) lines += `${event.text}\n`;
  return utf8.encode(lines);
}

function oneLine(text: string): string {
  if (breaksFrame.test(text)) throw new Error("a field of an event stream cannot hold a line break or NUL");
  return text;
}
