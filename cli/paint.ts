import type { Io, Output } from "./io.ts";

const codes = { bold: 1, dim: 90, red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36 } as const;
export type Colour = keyof typeof codes;
export type Paint = (colour: Colour, text: string) => string;

/** Whether what goes to `output` is laid out for people: on a terminal, and where colours are asked for all the same. */
export function isForPeople(output: Output, io: Io): boolean {
  return output.isTty || hasColour(output, io);
}

/** Colours for `output`: on a terminal only, as `NO_COLOR` and `CLICOLOR_FORCE` say. */
export function paintFor(output: Output, io: Io): Paint {
  return hasColour(output, io) ? (colour, text) => `\x1b[${codes[colour]}m${text}\x1b[0m` : (_, text) => text;
}

/** Whether there are colours at all. */
export function hasColour(output: Output, { env }: Pick<Io, "env">): boolean {
  if (env.NO_COLOR) return false;
  if (env.CLICOLOR_FORCE && env.CLICOLOR_FORCE !== "0") return true;
  return output.isTty && env.TERM !== "dumb" && env.CLICOLOR !== "0";
}
