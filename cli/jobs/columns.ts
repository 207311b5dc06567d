import type { Job } from "../../src/jobs/contract.ts";
import type { Colour } from "../paint.ts";
import type { Column } from "../table.ts";
import { ago } from "../when.ts";

const colours: Record<Job["status"], Colour> = {
  queued: "yellow",
  running: "cyan",
  completed: "green",
  failed: "red",
  cancelled: "dim",
};

/** How jobs are listed. */
export const jobColumns: Column<Job>[] = [
  { header: "id", text: ({ id }) => id },
  { header: "type", text: ({ type }) => type, gives: 1 },
  { header: "status", text: ({ status }) => status, colour: ({ status }) => colours[status] },
  {
    header: "progress",
    text: ({ progress }) => `${Math.floor(progress)} %`,
    plain: ({ progress }) => String(progress),
    gives: 2,
  },
  { header: "attempt", text: ({ attempt, max_attempts }) => `${attempt}/${max_attempts}`, gives: 4 },
  { header: "note", text: ({ note_id }) => note_id ?? "", colour: () => "dim", gives: 5 },
  { header: "created", text: ({ created_at }) => ago(created_at), plain: ({ created_at }) => created_at, gives: 3 },
  { header: "message", text: ({ error, message }) => error ?? message ?? "", shrinks: true },
];
