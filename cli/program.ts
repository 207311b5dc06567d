import { Command, CommanderError } from "commander";
import { addServerOptions } from "./context.ts";
import { exitCode, reportOf } from "./failure.ts";
import { BrokenPipe, Interrupted, type Io } from "./io.ts";
import { printable } from "./printable.ts";

type Register = (program: Command, io: Io) => void;

/** Every first word of a command line. Only what is asked for is loaded. */
const groups: Record<string, () => Promise<Register>> = {
  serve: async () => (await import("./serve.ts")).registerServe,
  events: async () => (await import("./events/group.ts")).registerEvents,
  notes: async () => (await import("./notes/group.ts")).registerNotes,
  jobs: async () => (await import("./jobs/group.ts")).registerJobs,
  queue: async () => (await import("./queue/group.ts")).registerQueue,
  tokens: async () => (await import("./tokens/group.ts")).registerTokens,
  webhooks: async () => (await import("./webhooks/group.ts")).registerWebhooks,
  backup: async () => (await import("./backup.ts")).registerBackup,
  restore: async () => (await import("./restore.ts")).registerRestore,
  completion: async () => (await import("./completion/scripts.ts")).registerCompletion,
  mcp: async () => (await import("./mcp.ts")).registerMcp,
  telemetry: async () => (await import("./telemetry/group.ts")).registerTelemetry,
  doctor: async () => (await import("./doctor.ts")).registerDoctor,
  status: async () => (await import("./status.ts")).registerStatus,
};

/** Runs one command line and resolves to the exit code. Never rejects; everything written has left when it resolves. */
export async function runProgram(args: readonly string[], io: Io, version: string): Promise<number> {
  const isJson = args.slice(0, endOfOptions(args)).includes("--json");
  let code: number;
  try {
    if (args[0] === "__complete") return await answerShell(args.slice(1), io, version);
    const words = withoutHelpCommand(args);
    const program = await createProgram(words, io, version, isJson);
    await program.parseAsync(isCommand(program, words) ? words : withoutHelp(words), { from: "user" });
    await io.stdout.flush();
    code = exitCode.done;
  } catch (error) {
    code = await tell(error, io, isJson);
  }
  await Promise.allSettled([io.stdout.flush(), io.stderr.flush()]);
  return code;
}

/** For the completion scripts: what is typed is looked at and not run. */
async function answerShell(words: readonly string[], io: Io, version: string): Promise<number> {
  const [program, { complete }] = await Promise.all([
    createProgram(words.slice(0, -1), io, version, false),
    import("./completion/complete.ts"),
  ]);
  await complete(program, words, io);
  await io.stdout.flush();
  return exitCode.done;
}

async function createProgram(args: readonly string[], io: Io, version: string, isJson: boolean): Promise<Command> {
  const program = new Command("matric")
    .description("Notes, AI jobs and one durable event log that every stream reads.")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "show this help")
    .helpCommand(false)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text).catch(() => {}),
      // As JSON it is told once, by `tell`.
      writeErr: (text) => (isJson ? undefined : io.stderr.write(text).catch(() => {})),
      getOutHelpWidth: () => io.stdout.columns,
      getErrHelpWidth: () => io.stderr.columns,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
  addServerOptions(program).addHelpText("after", "\nRun `matric <command> --help` for more about a command.");
  const [asked] = fromFirstWord(args);
  const wanted = asked !== undefined && Object.hasOwn(groups, asked) ? [asked] : Object.keys(groups);
  for (const load of await Promise.all(wanted.map((name) => groups[name]?.()))) load?.(program, io);
  return program;
}

const takesValue = new Set(["--url", "--token"]);

/** What is left of the command line from its first word on that is no option. */
function fromFirstWord(args: readonly string[]): readonly string[] {
  let index = 0;
  while (args[index]?.startsWith("-")) index += takesValue.has(args[index] ?? "") ? 2 : 1;
  return args.slice(index);
}

/** `matric help notes add` is `matric notes add --help`. */
function withoutHelpCommand(args: readonly string[]): string[] {
  return args[0] === "help" ? [...args.slice(1), "--help"] : [...args];
}

/** Whether the command that is named is there, or none is named. */
function isCommand(command: Command, args: readonly string[]): boolean {
  const [word, ...more] = fromFirstWord(args);
  if (word === undefined || word === "help" || command.commands.length === 0) return true;
  const named = command.commands.find((one) => one.name() === word);
  return named !== undefined && isCommand(named, more);
}

/** Asked for help with a command that is not there, commander would help with something else and call it done. */
function withoutHelp(args: readonly string[]): string[] {
  return args.filter((word) => word !== "--help" && word !== "-h");
}

function endOfOptions(args: readonly string[]): number {
  const end = args.indexOf("--");
  return end < 0 ? args.length : end;
}

async function tell(error: unknown, io: Io, isJson: boolean): Promise<number> {
  if (error instanceof BrokenPipe) return exitCode.done;
  if (error instanceof Interrupted) return exitCode.interrupted;
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return exitCode.done;
    const message = error.code === "commander.help" ? "A command is missing." : error.message.replace(/^error: /, "");
    if (isJson) await writeError(io, { code: "usage", message });
    return exitCode.usage;
  }
  const report = reportOf(error);
  if (isJson) await writeError(io, report.error);
  else await io.stderr.write(`error: ${printable(report.error.message, "block")}\n`).catch(() => {});
  return report.exit;
}

async function writeError(io: Io, error: object): Promise<void> {
  await io.stderr.write(`${JSON.stringify({ error })}\n`).catch(() => {});
}
