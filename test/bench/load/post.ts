/** One event as JSON, of about 250 bytes with its data, as the rig of the peers has them. */
export function eventJson(event: string, text: string): string {
  const head = `{"type":"NoteUpdated","note_id":"${text}","title":"Quarterly planning notes","tags":["a","b"],"snippet":"`;
  return `{"event":"${event}","data":${head}${"x".repeat(Math.max(0, 248 - head.length))}"}}`;
}

/** The bytes of a `POST /api/v1/events` of one event, or of an array of several. */
export function postOf(events: readonly string[]): Buffer {
  const [first = ""] = events;
  const body = events.length === 1 ? first : `[${events.join(",")}]`;
  const head = `POST /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  // Only ASCII is sent, so that characters are bytes.
  return Buffer.from(head + body, "latin1");
}
