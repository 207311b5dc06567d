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

/** A list: a table, or one JSON value per line. `none` is said on a terminal when it is empty. */
export async function printList<Row>(
  context: Context,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  none: string,
): Promise<void> {
  const { io, json } = context;
  if (json) await io.stdout.write(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  else if (rows.length > 0) await io.stdout.write(renderTable(io, columns, rows));
  else if (io.stdout.isTty) await remark(context, "none", none);
}

/** A remark beside the data: one line on stderr. */
export async function remark({ io, json }: Context, code: string, message: string): Promise<void> {
  await io.stderr.write(json ? `${JSON.stringify({ warning: { code, message } })}\n` : `${printable(message)}\n`);
}
