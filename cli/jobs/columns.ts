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
  { header: "type", text: ({ type }) => type },
  { header: "status", text: ({ status }) => status, colour: ({ status }) => colours[status] },
  { header: "progress", text: ({ progress }) => `${Math.floor(progress)} %`, plain: ({ progress }) => String(progress) },
  { header: "attempt", text: ({ attempt, max_attempts }) => `${attempt}/${max_attempts}` },
  { header: "note", text: ({ note_id }) => note_id ?? "", colour: () => "dim" },
  { header: "created", text: ({ created_at }) => ago(created_at), plain: ({ created_at }) => created_at },
  { header: "message", text: ({ error, message }) => error ?? message ?? "", shrinks: true },
];
