import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { catalog } from "./catalog.ts";
import { transientCatalog } from "./transient-catalog.ts";

export const EventType = Type.Object({
  event: Type.String(),
  summary: Type.String(),
  topics: Type.Array(Type.String()),
  in_log: Type.Boolean({ description: "Whether it has an id, is replayed and goes to webhooks" }),
  data_schema: Type.Unknown({ description: "JSON Schema of `data`" }),
});
export type EventType = Static<typeof EventType>;

/** The catalogue for people and programs: every event matric itself emits. */
export function describeEvents(): EventType[] {
  const describe = (inLog: boolean, definitions: Record<string, { summary: string; topics: readonly string[]; data: TSchema }>) =>
    Object.entries(definitions).map(([event, { summary, topics, data }]) => ({
      event,
      summary,
      topics: topics.map((topic) => (topic.endsWith(":") ? `${topic}{id}` : topic)),
      in_log: inLog,
      // A copy without TypeBox's own symbols.
      data_schema: JSON.parse(JSON.stringify(data)),
    }));
  return [...describe(true, catalog), ...describe(false, transientCatalog)];
}
