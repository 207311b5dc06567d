import type { TraceEvent } from "../events/sqlite-log.ts";
import { sameTrace, type Tracing } from "../tracing.ts";
import { readerFor } from "./event-fields.ts";

/** Events that come so often that they are not spans of their own; what follows from them belongs to what they are part of. */
const frequent = new Set(["JobProgress"]);

/** Gives each event that belongs to a trace a span, whose context is stored with it. */
export function eventSpans(tracing: Tracing): TraceEvent {
  return (tx, { event, trace }, id) => {
    const parent = sameTrace(trace, tracing.current());
    if (parent === undefined || frequent.has(event)) return parent;
    const type = readerFor(event) ? event : "custom";
    const span = tracing.begin(`publish ${type}`, {
      kind: "producer",
      parent,
      attributes: {
        "messaging.system": "matric",
        "messaging.operation.name": "publish",
        "messaging.operation.type": "send",
        "messaging.destination.name": type,
        "messaging.message.id": id,
      },
    });
    tx.afterCommit(() => span.end());
    return span.context;
  };
}
