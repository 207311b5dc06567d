import { join } from "node:path";

const main = join(import.meta.dir, "../../cli/main.ts");

export interface CliOptions {
  url?: string;
  env?: Record<string, string>;
  stdin?: string | Uint8Array;
  cwd?: string;
}

export interface CliResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Starts the program as a user does, in a process of its own and with nothing of this one's environment. */
export function spawnCli(args: readonly string[], { url, env = {}, stdin, cwd }: CliOptions = {}) {
  return Bun.spawn([process.execPath, main, ...args], {
    env: { PATH: process.env.PATH ?? "", ...(url === undefined ? {} : { MATRIC_URL: url }), ...env },
    stdin: stdin === undefined ? "ignore" : typeof stdin === "string" ? new TextEncoder().encode(stdin) : stdin,
    stdout: "pipe",
    stderr: "pipe",
    ...(cwd === undefined ? {} : { cwd }),
  });
}

/** Runs it to its end. */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const child = spawnCli(args, options);
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, stdout, stderr };
}

/** The JSON values of a text, one per line. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** Reads what a process writes, line by line, as it comes. */
export function lineReader(stream: ReadableStream<Uint8Array>) {
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  let rest = "";
  return {
    /** Reads on to the end, for nobody. */
    async discard(): Promise<void> {
      while (!(await reader.read()).done);
    },
    /** The next line; rejects at the end of the stream. */
    async next(): Promise<string> {
      for (let end = rest.indexOf("\n"); ; end = rest.indexOf("\n")) {
        if (end >= 0) {
          const line = rest.slice(0, end);
          rest = rest.slice(end + 1);
          return line;
        }
        const { done, value } = await reader.read();
        if (done) throw new Error(`the stream ended after "${rest}"`);
        rest += decoder.decode(value, { stream: true });
      }
    },
  };
}
