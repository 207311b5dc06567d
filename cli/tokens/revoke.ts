import type { Command } from "commander";
import type { Context } from "../context.ts";
import type { Io } from "../io.ts";
import { examples } from "../options.ts";
import { printChange } from "../output.ts";
import { addKeeperOptions, type TokenKeeper, withKeeper } from "./keeper.ts";

export function registerRevoke(tokens: Command, io: Io): void {
  const command = tokens
    .command("revoke")
    .description("end an access token at once and for good, with the streams and webhooks that were opened with it")
    .argument("<id>", "the token's id, not the token itself");
  addKeeperOptions(command)
    .addHelpText("after", examples("matric tokens revoke 0197a0b2-…"))
    .action((id: string, _options: object, self: Command) => withKeeper(self, io, (keeper, context) => run(id, keeper, context)));
}

export async function run(id: string, keeper: TokenKeeper, context: Context): Promise<void> {
  await keeper.revoke(id);
  await printChange(context, { id }, `The token ${id} is revoked.`);
}
