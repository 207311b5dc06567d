import type { Io, Output } from "./io.ts";

const codes = { bold: 1, dim: 90, red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36 } as const;
export type Colour = keyof typeof codes;
export type Paint = (colour: Colour, text: string) => string;

/** Whether what goes to `output` is laid out for people: on a terminal, and where colours are asked for all the same. */
export function isForPeople(output: Output, { env }: Io): boolean {
  return output.isTty || hasColour(output, env);
}

/** Colours for `output`: on a terminal only, as `NO_COLOR` and `CLICOLOR_FORCE` say. */
export function paintFor(output: Output, { env }: Io): Paint {
  return hasColour(output, env) ? (colour, text) => `\x1b[${codes[colour]}m${text}\x1b[0m` : (_, text) => text;
}

function hasColour(output: Output, env: Io["env"]): boolean {
  if (env.NO_COLOR) return false;
  if (env.CLICOLOR_FORCE && env.CLICOLOR_FORCE !== "0") return true;
  return output.isTty && env.TERM !== "dumb" && env.CLICOLOR !== "0";
}
