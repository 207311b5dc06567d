import type { Command } from "commander";
import { alertRules } from "../../src/telemetry/ready/alerts.ts";
import { type JsonOption, jsonOption, optionsOf } from "../context.ts";
import type { Io } from "../io.ts";
import { examples } from "../options.ts";

export function registerAlerts(telemetry: Command, io: Io): void {
  telemetry
    .command("alerts")
    .description("print alert rules for Prometheus")
    .addOption(jsonOption())
    .addHelpText("after", examples("matric telemetry alerts > /etc/prometheus/matric.yml"))
    .action((_options: object, self: Command) => run(optionsOf<JsonOption>(self), io));
}

/** As YAML, or with `json` as JSON: Prometheus reads either. */
export async function run({ json }: JsonOption, io: Io): Promise<void> {
  const rules = alertRules();
  await io.stdout.write(json ? `${JSON.stringify(Bun.YAML.parse(rules))}\n` : rules);
}
