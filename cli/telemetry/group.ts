import type { Command } from "commander";
import { alertRules } from "../../src/telemetry/ready/alerts.ts";
import { dashboard } from "../../src/telemetry/ready/dashboard.ts";
import { type JsonOption, jsonOption, optionsOf } from "../context.ts";
import type { Io } from "../io.ts";
import { examples } from "../options.ts";

export function registerTelemetry(program: Command, io: Io): void {
  const telemetry = program.command("telemetry").description("print what monitoring systems need to watch matric");
  telemetry
    .command("dashboard")
    .description("print a Grafana dashboard, to be imported as it is")
    .addOption(jsonOption())
    .addHelpText("after", examples("matric telemetry dashboard > matric.json"))
    .action((_options: object, self: Command) =>
      io.stdout.write(`${JSON.stringify(dashboard(), null, optionsOf<JsonOption>(self).json ? 0 : 2)}\n`),
    );
  telemetry
    .command("alerts")
    .description("print alert rules for Prometheus")
    .addOption(jsonOption())
    .addHelpText("after", examples("matric telemetry alerts > /etc/prometheus/matric.yml"))
    .action((_options: object, self: Command) =>
      // Prometheus reads either.
      io.stdout.write(optionsOf<JsonOption>(self).json ? `${JSON.stringify(Bun.YAML.parse(alertRules()))}\n` : alertRules()),
    );
}
