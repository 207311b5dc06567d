import { cut, pad } from "./cells.ts";
import type { Io } from "./io.ts";
import { type Colour, isForPeople, paintFor } from "./paint.ts";
import { printable } from "./printable.ts";

export interface Column<Row> {
  header: string;
  /** What a terminal shows; a pipe gets it too unless `plain` says otherwise. */
  text: (row: Row) => string;
  /** The exact value, for pipes. */
  plain?: (row: Row) => string;
  colour?: (row: Row) => Colour | undefined;
  /** The one column that is cut when the terminal is too narrow. */
  shrinks?: boolean;
  /** A column that is left out when even that is not enough, the highest number first. */
  gives?: number;
}

const gap = "  ";
const shrunkLeast = 12;

/** Rows as an aligned table on a terminal, and separated by tabs, without headers, in a pipe. */
export function renderTable<Row>(io: Io, columns: readonly Column<Row>[], rows: readonly Row[]): string {
  if (!isForPeople(io.stdout, io))
    return rows.map((row) => `${columns.map((column) => printable((column.plain ?? column.text)(row))).join("\t")}\n`).join("");
  const paint = paintFor(io.stdout, io);
  const fitting = columnsFor(columns, rows, io.stdout.columns);
  const cells = cellsOf(fitting, rows);
  const widths = widthsOf(fitting, cells, io.stdout.columns);
  const fit = (texts: readonly string[]) => texts.map((text, index) => pad(cut(text, widths[index] ?? 0), widths[index] ?? 0));
  const lines = cells.map((texts, rowIndex) =>
    fit(texts).map((text, index) => {
      const row = rows[rowIndex];
      const colour = row === undefined ? undefined : fitting[index]?.colour?.(row);
      return colour ? paint(colour, text) : text;
    }),
  );
  const headers = fit(fitting.map(({ header }) => header.toUpperCase())).map((text) => paint("dim", text));
  return [headers, ...lines].map((line) => `${line.join(gap).trimEnd()}\n`).join("");
}

/** Names and values, one pair a line: aligned on a terminal, separated by a tab in a pipe. */
export function renderPairs(io: Io, pairs: readonly (readonly [name: string, value: string])[]): string {
  if (!isForPeople(io.stdout, io)) return pairs.map(([name, value]) => `${name}\t${printable(value)}\n`).join("");
  const paint = paintFor(io.stdout, io);
  const width = Math.max(...pairs.map(([name]) => Bun.stringWidth(name)));
  return pairs.map(([name, value]) => `${paint("dim", pad(name, width))}${gap}${printable(value)}\n`).join("");
}

function cellsOf<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string[][] {
  return rows.map((row) => columns.map((column) => printable(column.text(row))));
}

/** As many of the columns as there is room for; a line that wraps can be read by nobody. */
function columnsFor<Row>(columns: readonly Column<Row>[], rows: readonly Row[], screen: number): readonly Column<Row>[] {
  const least = Math.max(...columns.map(({ gives = 0 }) => gives));
  if (least === 0 || total(widthsOf(columns, cellsOf(columns, rows), screen)) <= screen) return columns;
  return columnsFor(
    columns.filter(({ gives }) => gives !== least),
    rows,
    screen,
  );
}

function widthsOf<Row>(columns: readonly Column<Row>[], cells: readonly string[][], screen: number): number[] {
  const widths = columns.map(({ header }, index) =>
    Math.max(header.length, ...cells.map((texts) => Bun.stringWidth(texts[index] ?? ""))),
  );
  const over = total(widths) - screen;
  return widths.map((width, index) =>
    columns[index]?.shrinks && over > 0 ? Math.max(Math.min(width, shrunkLeast), width - over) : width,
  );
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, gap.length * (widths.length - 1));
}
