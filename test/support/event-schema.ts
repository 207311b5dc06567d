import Ajv from "ajv";
import addFormats from "ajv-formats";
import { CustomEvent, eventSchemas } from "../../src/events/event-schema.ts";

const ajv = addFormats(new Ajv({ allErrors: true }));
const validators = new Map(Object.entries(eventSchemas).map(([name, schema]) => [name, ajv.compile(schema)]));
const validateCustom = ajv.compile(CustomEvent);

/** What is wrong with an event as it came over the wire, according to the catalogue; nothing for a good one. */
export function checkEvent(event: unknown): string[] {
  const validate = validators.get(nameOf(event)) ?? validateCustom;
  if (validate(event)) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${nameOf(event)}${instancePath}: ${message}`);
}

function nameOf(event: unknown): string {
  return typeof event === "object" && event !== null && "event" in event ? String(event.event) : "";
}
