import { InvalidArgumentError } from "commander";

/** A whole number; what it is not is told with the bounds. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^-?\d+$/.test(text) && value >= least && value <= most) return value;
    const bounds = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`;
    throw new InvalidArgumentError(`It must be a whole number ${bounds}.`);
  };
}

/** A duration in seconds, with a fraction if need be. */
export function seconds(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value > 0 && value <= 1_000_000) return value;
  throw new InvalidArgumentError("It must be a number of seconds above 0.");
}

/** A place in the log, which the server understands. That of a variable that is not set is no place. */
export function position(text: string): string {
  if (text.trim() !== "") return text;
  throw new InvalidArgumentError("It must be an event id, a time (RFC 3339), how long ago (10m), earliest or latest.");
}

/** For an option that can be given several times, each time with one value or several with commas; with none it is empty. */
export function list(text: string, previous: string[] = []): string[] {
  const values = text.split(",").map((value) => value.trim());
  return [...previous, ...values.filter((value) => value !== "")];
}

/** A list for a filter: an empty one would let everything pass. */
export function someOf(text: string, previous?: string[]): string[] {
  const values = list(text, previous);
  if (values.length > 0) return values;
  throw new InvalidArgumentError("It must name at least one.");
}

/** For an option that can be given several times, whose values may hold commas. */
export function each(text: string, previous: string[] = []): string[] {
  return [...previous, text];
}

/** Examples below a command's help. */
export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join("\n")}`;
}
