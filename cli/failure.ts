import { ClientError } from "../src/client/errors.ts";
import { MatricError } from "../src/errors.ts";

/** What the process answers with; part of the contract. */
export const exitCode = {
  done: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  notAllowed: 4,
  unreachable: 5,
  timedOut: 6,
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** A command could not do what it was asked to. */
export class Failure extends Error {
  override readonly name = "Failure";

  constructor(
    readonly code: string,
    message: string,
    readonly exit: ExitCode = exitCode.failed,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The command was called in a way that cannot work. */
export function usage(message: string): Failure {
  return new Failure("usage", message, exitCode.usage);
}

const byCode: Record<string, ExitCode> = {
  invalid: exitCode.usage,
  malformed: exitCode.usage,
  already_running: exitCode.failed,
  not_found: exitCode.notFound,
  unauthorized: exitCode.notAllowed,
  forbidden: exitCode.notAllowed,
  unreachable: exitCode.unreachable,
  timed_out: exitCode.timedOut,
};

/** How a failure is told. */
export interface FailureReport {
  exit: ExitCode;
  error: { code: string; message: string; field?: string; status?: number; current_version?: number };
}

export function reportOf(error: unknown): FailureReport {
  if (error instanceof Failure) return { exit: error.exit, error: { code: error.code, message: error.message } };
  if (error instanceof ClientError) return reportOfClient(error);
  if (error instanceof MatricError) {
    const { code, message, details } = error;
    return {
      exit: byCode[code] ?? exitCode.failed,
      error: { code, message, ...(details.field === undefined ? {} : { field: details.field }) },
    };
  }
  if (isOfSystem(error)) return { exit: exitCode.failed, error: { code: "file_error", message: `${sentence(error.message)}.` } };
  return {
    exit: exitCode.failed,
    error: { code: "internal", message: error instanceof Error ? (error.stack ?? error.message) : String(error) },
  };
}

/** Files that are not there, disks that are full: nobody is helped by a stack trace. */
function isOfSystem(error: unknown): error is Error {
  return error instanceof Error && "syscall" in error;
}

/** `ENOENT: no such file or directory, open 'x'` as people write. */
function sentence(message: string): string {
  const text = message.replace(/^E[A-Z]+: /, "");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What to do about it on a command line. */
const hints: Record<string, string> = {
  unreachable: " Start a server with `matric serve`, or name another one with --url.",
  unauthorized: " Give a token with --token or MATRIC_TOKEN.",
};

function reportOfClient({ code, message, field, status, currentVersion }: ClientError): FailureReport {
  const error: FailureReport["error"] = { code, message: `${message}${hints[code] ?? ""}` };
  if (field !== undefined) error.field = field;
  if (status !== undefined) error.status = status;
  if (currentVersion !== undefined) error.current_version = currentVersion;
  return { exit: byCode[code] ?? exitCode.failed, error };
}
