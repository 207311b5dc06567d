import { type Command, InvalidArgumentError, Option } from "commander";
import { type Scope, scopes } from "../../src/auth/contract.ts";
import type { Context } from "../context.ts";
import { usage } from "../failure.ts";
import type { Io } from "../io.ts";
import { examples, list } from "../options.ts";
import { printJson } from "../output.ts";
import { printable } from "../printable.ts";
import { addKeeperOptions, type TokenKeeper, withKeeper } from "./keeper.ts";

interface Options {
  scopes: string[];
  expires?: string;
}

export function registerCreate(tokens: Command, io: Io): void {
  const command = tokens
    .command("create")
    .description("make an access token; it is printed once and never again")
    .argument("<name>", "who or what uses it")
    .addOption(
      new Option("--scopes <scopes>", `what it may do, separated by commas: ${scopes.join(", ")}`)
        .argParser(list)
        .makeOptionMandatory(),
    )
    .addOption(new Option("--expires <when>", "a time (RFC 3339), or how long from now: 12h, 30d, 52w").argParser(expiry));
  addKeeperOptions(command)
    .addHelpText(
      "after",
      examples(
        "matric tokens create phone --scopes notes:read,notes:write,events:read --expires 90d",
        "matric tokens create root --scopes admin --data-dir /var/lib/matric",
      ),
    )
    .action((name: string, options: Options, self: Command) =>
      // Before its first start a server can be given its first token, so that it prints none.
      withKeeper(self, io, (keeper, context) => run(name, options, keeper, context), { mayBeNew: true }),
    );
}

export async function run(name: string, options: Options, keeper: TokenKeeper, context: Context): Promise<void> {
  const { io, json } = context;
  const request = { name, scopes: options.scopes.map(scopeOf) };
  const made = await keeper.create(options.expires === undefined ? request : { ...request, expires_at: options.expires });
  if (json) return printJson(context, made);
  await io.stdout.write(`${made.token}\n`);
  const until = made.expires_at === null ? "does not expire" : `expires at ${made.expires_at}`;
  await io.stderr.write(`${printable(made.name)}: ${made.scopes.join(", ")}; ${until}. Keep it: it is not shown again.\n`);
}

function scopeOf(text: string): Scope {
  const found = scopes.find((scope) => scope === text);
  if (!found) throw usage(`"${text}" is not a scope; the scopes are ${scopes.join(", ")}.`);
  return found;
}

const unitMs: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

function expiry(text: string): string {
  const [, amount, unit = ""] = /^(\d{1,6})(m|h|d|w)$/.exec(text) ?? [];
  if (amount !== undefined) return new Date(Date.now() + Number(amount) * (unitMs[unit] ?? 0)).toISOString();
  if (!Number.isNaN(Date.parse(text))) return text;
  throw new InvalidArgumentError("It must be a time like 2026-02-05T10:30:45Z, or how long from now, like 12h, 30d or 52w.");
}
