import { type Static, Type } from "@sinclair/typebox";
import { TypeCompiler } from "@sinclair/typebox/compiler";
import type { Writer } from "../db/writer.ts";
import { invalid, MatricError, tooLarge } from "../errors.ts";
import { mismatch } from "../mismatch.ts";
import type { Actor } from "./catalog.ts";
import type { EventDraft, EventLog, StoredEvent } from "./log.ts";
import { isBuiltIn, isEventName, nearestBuiltIn } from "./names.ts";

const dataBytesMax = 64 * 1024;
const itemsMax = 1000;
/** Of what JavaScript counts as one character. */
const utf8BytesMax = 3;

/** A custom event, as somebody publishes it. */
export const PublishEvent = Type.Object(
  {
    event: Type.String({ description: "PascalCase, at most 64 characters, and no name of matric's own" }),
    data: Type.Unsafe<Record<string, unknown>>(Type.Object({}, { description: "Any JSON object up to 64 KiB" })),
    subject: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: "What the event is about" })),
  },
  { additionalProperties: false },
);
export type PublishEvent = Static<typeof PublishEvent>;

export const PublishEvents = Type.Union([PublishEvent, Type.Array(PublishEvent, { minItems: 1, maxItems: itemsMax })]);

const check = TypeCompiler.Compile(PublishEvent);
const checkKnown = TypeCompiler.Compile(Type.Object(PublishEvent.properties));
const fieldNames = new Set(Object.keys(PublishEvent.properties));

/** What is published in one turn of the event loop: one change for the writer, however many requests brought it. */
interface Round {
  readonly drafts: EventDraft[];
  readonly stored: Promise<readonly StoredEvent[]>;
}

/** Takes custom events into the log. */
export class Publisher {
  #round: Round | undefined;

  constructor(
    private readonly log: EventLog,
    private readonly writer: Writer,
  ) {}

  /** Appends one event; resolves with its id once it is durable. Throws `invalid` or `too_large` that names the field. */
  async publish(input: unknown, actor: Actor): Promise<string> {
    const draft = draftOf(input, "", actor);
    const { drafts, stored } = this.#join();
    const index = drafts.push(draft) - 1;
    return (await stored)[index]?.id ?? "";
  }

  /** Appends all or none, in order, in one transaction. */
  async publishAll(inputs: readonly unknown[], actor: Actor): Promise<string[]> {
    if (inputs.length === 0 || inputs.length > itemsMax)
      throw new MatricError("invalid", `An array holds 1 to ${itemsMax} events, not ${inputs.length}.`);
    const added = inputs.map((input, index) => draftOf(input, `${index}.`, actor));
    const { drafts, stored } = this.#join();
    const from = drafts.length;
    for (const draft of added) drafts.push(draft);
    return (await stored).slice(from, from + added.length).map((event) => event.id);
  }

  /** What has been checked cannot fail any more, but with the disk: so all of a round share one savepoint and one fate. */
  #join(): Round {
    if (!this.#round) return this.#open();
    this.writer.joined();
    return this.#round;
  }

  #open(): Round {
    const drafts: EventDraft[] = [];
    const close = () => {
      this.#round = undefined;
    };
    const stored = this.writer.write((tx) => {
      close();
      return this.log.append(tx, drafts);
    });
    stored.catch(close);
    this.#round = { drafts, stored };
    return this.#round;
  }
}

/** Finds what `check` finds, which makes several arrays of names for each event to look for unknown fields. */
function isPublishEvent(input: unknown): input is PublishEvent {
  if (!checkKnown.Check(input)) return false;
  for (const name in input) if (!fieldNames.has(name)) return false;
  return true;
}

function draftOf(input: unknown, at: string, actor: Actor): EventDraft {
  if (!isPublishEvent(input)) throw mismatch(check.Errors(input).First(), "The body", at);
  const { event, data, subject = null } = input;
  checkName(event, `${at}event`);
  if (subject !== null && /\p{Cc}/u.test(subject))
    throw invalid(`${at}subject`, `${at}subject must not hold control characters.`);
  const json = JSON.stringify(data);
  // What is so short is not too large, whatever its characters are.
  if (json.length > dataBytesMax / utf8BytesMax) checkSize(json, `${at}data`);
  return { event, data, json, subject, actor };
}

function checkSize(json: string, field: string): void {
  const bytes = Buffer.byteLength(json);
  if (bytes > dataBytesMax) throw tooLarge(field, bytes, dataBytesMax);
}

/** Names that were found good: publishing is hot, and comparing with every built-in name is not free. */
const goodNames = new Set<string>();
const goodNamesMax = 10_000;

function checkName(name: string, field: string): void {
  if (goodNames.has(name)) return;
  if (!isEventName(name)) {
    throw invalid(field, `${field} must be PascalCase: a capital letter, then letters and digits, at most 64 in all.`);
  }
  if (isBuiltIn(name)) throw invalid(field, `${name} is an event of matric's own; choose another name.`);
  const nearest = nearestBuiltIn(name);
  if (nearest) throw invalid(field, `${name} is too close to matric's own ${nearest}; choose another name.`);
  if (goodNames.size >= goodNamesMax) goodNames.clear();
  goodNames.add(name);
}
