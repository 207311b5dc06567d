import { scopes } from "../../src/auth/contract.ts";
import type { Client } from "../../src/client/client.ts";
import { catalog } from "../../src/events/catalog.ts";

export type Candidate = readonly [value: string, about: string];

/** Nobody waits longer for a suggestion. */
const serverTimeoutMs = 1000;
const idsMost = 100;

type Ids = (client: Client, signal: AbortSignal) => Promise<Candidate[]>;

const noteIds: Ids = async ({ notes }, signal) =>
  (await notes.list({ limit: idsMost }, signal)).items.map(({ id, title }) => [id, title]);
const jobIds: Ids = async ({ jobs }, signal) =>
  (await jobs.list({ limit: idsMost }, signal)).items.map(({ id, type, status }) => [id, `${type}, ${status}`]);
const webhookIds: Ids = async ({ webhooks }, signal) =>
  (await webhooks.list({ limit: idsMost }, signal)).items.map(({ id, url, status }) => [id, `${url}, ${status}`]);
const tokenIds: Ids = async ({ tokens }, signal) =>
  (await tokens.list({ limit: idsMost }, signal)).items.map(({ id, name, status }) => [id, `${name}, ${status}`]);

/** By option, and by the group of a command and its argument. */
const ids: Record<string, Ids> = {
  "--note": noteIds,
  "--job": jobIds,
  "notes id": noteIds,
  "jobs id": jobIds,
  "webhooks id": webhookIds,
  "tokens id": tokenIds,
};
const lists: Record<string, readonly string[]> = {
  "--events": Object.keys(catalog),
  "--topics": ["notes", "jobs", "queue", "webhooks", "custom"],
  "--scopes": scopes,
};

/** What an option or argument may be, as far as that can be known; a server is asked for ids. */
export async function valuesOf(name: string, typed: string, connect: () => Client): Promise<Candidate[]> {
  const idsOf = ids[name];
  if (idsOf) return idsOf(connect(), AbortSignal.timeout(serverTimeoutMs));
  // The last one of a list is being typed.
  const before = typed.slice(0, typed.lastIndexOf(",") + 1);
  const left = (lists[name] ?? []).filter((value) => !before.split(",").includes(value));
  return left.map((value): Candidate => [`${before}${value}`, ""]);
}
