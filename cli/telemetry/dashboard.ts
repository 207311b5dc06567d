import type { Command } from "commander";
import { dashboard } from "../../src/telemetry/ready/dashboard.ts";
import { type JsonOption, jsonOption, optionsOf } from "../context.ts";
import type { Io } from "../io.ts";
import { examples } from "../options.ts";

export function registerDashboard(telemetry: Command, io: Io): void {
  telemetry
    .command("dashboard")
    .description("print a Grafana dashboard, to be imported as it is")
    .addOption(jsonOption())
    .addHelpText("after", examples("matric telemetry dashboard > matric.json"))
    .action((_options: object, self: Command) => run(optionsOf<JsonOption>(self), io));
}

export async function run({ json }: JsonOption, io: Io): Promise<void> {
  await io.stdout.write(`${JSON.stringify(dashboard(), null, json ? 0 : 2)}\n`);
}
