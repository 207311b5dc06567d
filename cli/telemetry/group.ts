import type { Command } from "commander";
import type { Io } from "../io.ts";
import { registerAlerts } from "./alerts.ts";
import { registerDashboard } from "./dashboard.ts";

export function registerTelemetry(program: Command, io: Io): void {
  const telemetry = program.command("telemetry").description("print what monitoring systems need to watch matric");
  registerDashboard(telemetry, io);
  registerAlerts(telemetry, io);
}
