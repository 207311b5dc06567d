import { type TObject, type TSchema, Type } from "@sinclair/typebox";
import type { LogLevel } from "../logger.ts";

/** The families of topics; those that end in a colon are completed by the id that the event carries. */
export type TopicPattern = "notes" | "note:" | "jobs" | "job:" | "queue" | "webhooks";

/** What the server's log and telemetry tell of an event. */
export interface EventTelemetry<Field extends string = string> {
  level: LogLevel;
  message: string;
  /** All that leaves of `data`: ids, types, counts, durations, states and error codes; never what people or receivers wrote. */
  fields: readonly Field[];
}

type FieldOf<Data extends TObject> = Extract<keyof Data["properties"], string>;

export interface EventDefinition<Data extends TObject = TObject, Field extends string = string> {
  summary: string;
  data: Data;
  topics: readonly TopicPattern[];
  /** The field of `data` whose id is the subject, as `note:<note_id>`. */
  subject: "note" | "job" | "webhook" | null;
  telemetry: EventTelemetry<Field>;
}

/** Lets a definition keep the type of its data, and refuses telemetry of a field that the data does not have. */
export const define = <Data extends TObject>(definition: EventDefinition<Data, FieldOf<Data>>): EventDefinition<Data> =>
  definition;

export const object = <Fields extends Record<string, TSchema>>(fields: Fields) =>
  Type.Object(fields, { additionalProperties: false });

/** What is told of an event that somebody published: that it happened. Its data is its publisher's own. */
export const customTelemetry: EventTelemetry<never> = { level: "info", message: "Custom event published", fields: [] };

export const Cursor = Type.String({ description: "A position in the log, `<seq>-<epoch>`" });
export const Count = (description: string) => Type.Integer({ minimum: 0, description });
