import { type TObject, type TProperties, Type } from "@sinclair/typebox";
import { catalog, Envelope } from "./catalog.ts";
import type { EventDefinition } from "./definition.ts";
import { transientCatalog } from "./transient-catalog.ts";

const strict = { additionalProperties: false };
const { time, subject, actor } = Envelope.properties;
const Id = Type.String({ description: "Position in the log, `<seq>-<epoch>`: the cursor from which to go on" });
const inLog = { id: Id, time, subject, actor };

/** The JSON of every built-in event as it travels, by name: the envelope with just that name and its data. */
export const eventSchemas: Readonly<Record<string, TObject>> = {
  ...envelopes(catalog, inLog),
  ...envelopes(transientCatalog, { time, subject, actor }),
};

/** The JSON of an event that a user published. */
export const CustomEvent = Type.Object(
  {
    ...inLog,
    event: Type.String({ pattern: "^[A-Z][A-Za-z0-9]{0,63}$", description: "Any PascalCase name that is not a built-in one" }),
    data: Type.Object({}, { additionalProperties: true, description: "What its publisher put in" }),
  },
  { ...strict, description: "An event that somebody published with POST /api/v1/events" },
);

function envelopes(definitions: Record<string, EventDefinition>, fields: TProperties): Record<string, TObject> {
  const entries = Object.entries(definitions).map(([name, { summary, data }]) => [
    name,
    Type.Object({ ...fields, event: Type.Literal(name), data }, { ...strict, description: summary }),
  ]);
  return Object.fromEntries(entries);
}
