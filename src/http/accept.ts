const offers = [
  { answer: "sse", type: "text/event-stream", range: "text/*" },
  // Asked for by name only: whoever wants `application/*` wants JSON.
  { answer: "ndjson", type: "application/x-ndjson", range: undefined },
  { answer: "history", type: "application/json", range: "application/*" },
] as const;

export type EventAnswer = (typeof offers)[number]["answer"];

/**
 * What an `Accept` header asks of `GET /events`, as RFC 9110 weighs it: the greatest `q`, then what is named more exactly, then the
 * stream. Whoever asked for nothing that there is gets the stream, too: a 406 would stop an EventSource for good.
 */
export function acceptedAnswer(accept: string): EventAnswer {
  const weights = weightsOf(accept);
  let best: { answer: EventAnswer; weight: number; exactness: number } = { answer: "sse", weight: 0, exactness: 0 };
  for (const { answer, type, range } of offers) {
    const match = [type, ...(range === undefined ? [] : [range, "*/*"])].find((name) => weights.has(name));
    if (match === undefined) continue;
    const weight = weights.get(match) ?? 0;
    const exactness = match === type ? 3 : match === range ? 2 : 1;
    if (weight > best.weight || (weight > 0 && weight === best.weight && exactness > best.exactness)) {
      best = { answer, weight, exactness };
    }
  }
  return best.answer;
}

/** What an `Accept` header asks of the metrics: OpenMetrics if it is named, and wanted no less than the text that everything reads. */
export function acceptedMetrics(accept: string): "openmetrics" | "text" {
  const weights = weightsOf(accept);
  const open = weights.get("application/openmetrics-text") ?? 0;
  return open > 0 && open >= (weights.get("text/plain") ?? 0) ? "openmetrics" : "text";
}

/** A `q` that is none counts as 1. */
function weightsOf(accept: string): Map<string, number> {
  const weights = new Map<string, number>();
  for (const part of accept.toLowerCase().split(",")) {
    const [name = "", ...parameters] = part.split(";").map((piece) => piece.trim());
    const q = parameters.find((parameter) => parameter.startsWith("q="))?.slice("q=".length);
    const weight = q !== undefined && /^[01](\.\d{0,3})?$/.test(q) ? Math.min(1, Number(q)) : 1;
    if (name !== "") weights.set(name, Math.max(weight, weights.get(name) ?? 0));
  }
  return weights;
}
