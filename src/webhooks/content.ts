import type { Envelope } from "../events/catalog.ts";

export type Format = "matric" | "cloudevents";

/** What is sent of an event: the same for every attempt. */
export interface Content {
  body: string;
  headers: Record<string, string>;
}

/** Where matric's events come from, as CloudEvents ask. The ids are unique by themselves. */
const source = "/matric";

/** The event as it stands in the log, or in the binary mode of CloudEvents 1.0. */
export function contentOf(text: string, format: Format): Content {
  if (format === "matric") return { body: text, headers: {} };
  const { id = "", event, time, subject, actor, data }: Envelope = JSON.parse(text);
  const attributes: Record<string, string | null> = {
    specversion: "1.0",
    id,
    source,
    type: event,
    time,
    subject,
    actorkind: actor.kind,
    actorid: actor.id,
  };
  const headers = Object.entries(attributes).flatMap(([name, value]) =>
    value === null ? [] : [[`ce-${name}`, percentEncoded(value)]],
  );
  return { body: JSON.stringify(data), headers: Object.fromEntries(headers) };
}

/** As the HTTP binding of CloudEvents (section 3.1.3.2) asks: all but printable ASCII, and blank, quote and per cent. */
function percentEncoded(value: string): string {
  return value.replace(/[^\x21-\x7e]|["%]/gu, (char) =>
    [...new TextEncoder().encode(char)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(""),
  );
}
