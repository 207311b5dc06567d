import type { Command } from "commander";
import type { Token } from "../../src/auth/contract.ts";
import { listUpTo } from "../../src/client/paging.ts";
import type { Context } from "../context.ts";
import type { Io } from "../io.ts";
import { examples, wholeNumber } from "../options.ts";
import { printList } from "../output.ts";
import type { Colour } from "../paint.ts";
import type { Column } from "../table.ts";
import { ago } from "../when.ts";
import { addKeeperOptions, type TokenKeeper, withKeeper } from "./keeper.ts";

const colours: Record<Token["status"], Colour> = { active: "green", expired: "yellow", revoked: "dim" };

const columns: Column<Token>[] = [
  { header: "id", text: ({ id }) => id },
  { header: "name", text: ({ name }) => name, shrinks: true },
  { header: "status", text: ({ status }) => status, colour: ({ status }) => colours[status] },
  { header: "scopes", text: ({ scopes }) => scopes.join(","), gives: 1 },
  { header: "expires", text: ({ expires_at }) => expires_at ?? "never", plain: ({ expires_at }) => expires_at ?? "", gives: 3 },
  {
    header: "last used",
    text: ({ last_used_at }) => (last_used_at === null ? "never" : ago(last_used_at)),
    plain: ({ last_used_at }) => last_used_at ?? "",
    gives: 2,
  },
];

export function registerList(tokens: Command, io: Io): void {
  const command = tokens
    .command("list")
    .description("list access tokens, the oldest first")
    .option("--limit <n>", "at most so many", wholeNumber(1), 100);
  addKeeperOptions(command)
    .addHelpText("after", examples("matric tokens list", "matric tokens list --data-dir /var/lib/matric"))
    .action((options: { limit: number }, self: Command) =>
      withKeeper(self, io, (keeper, context) => run(options, keeper, context)),
    );
}

export async function run({ limit }: { limit: number }, keeper: TokenKeeper, context: Context): Promise<void> {
  const tokens = await Array.fromAsync(listUpTo(limit, (page) => keeper.list(page)));
  await printList(context, columns, tokens, "There are no access tokens.", limit);
}
