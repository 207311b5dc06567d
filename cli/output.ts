import type { Context } from "./context.ts";
import { printable } from "./printable.ts";
import { type Column, renderTable } from "./table.ts";

/** One JSON value on a line of its own. */
export function printJson({ io }: Context, value: unknown): Promise<void> {
  return io.stdout.write(`${JSON.stringify(value)}\n`);
}

/** What a command that changed something has to say: the thing as JSON, a sentence on a terminal, its id in a pipe. */
export async function printChange(context: Context, thing: { id: string }, sentence: string): Promise<void> {
  if (context.json) return printJson(context, thing);
  await context.io.stdout.write(context.io.stdout.isTty ? `${printable(sentence)}\n` : `${thing.id}\n`);
}

/**
 * A list: a table, or one JSON value per line. On a terminal `none` is said when it is empty, and when it has as many rows as
 * `limit` allows, that there may be more.
 */
export async function printList<Row>(
  context: Context,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  none: string,
  limit: number,
): Promise<void> {
  const { io, json } = context;
  if (json) await io.stdout.write(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  else if (rows.length > 0) await io.stdout.write(renderTable(io, columns, rows));
  if (json || !io.stdout.isTty) return;
  if (rows.length === 0) await remark(context, "none", none);
  if (rows.length === limit) await remark(context, "more", `There may be more than these ${limit}; see --limit.`);
}

/** A remark beside the data: one line on stderr. */
export async function remark({ io, json }: Context, code: string, message: string): Promise<void> {
  await io.stderr.write(json ? `${JSON.stringify({ warning: { code, message } })}\n` : `${printable(message)}\n`);
}
