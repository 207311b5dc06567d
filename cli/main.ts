#!/usr/bin/env bun
import packageJson from "../package.json" with { type: "json" };
import { reachThisMachineDirectly } from "./direct.ts";

const args = process.argv.slice(2);

// Asked for by scripts and by people who wait: nothing else is loaded for it.
if (args.length === 1 && (args[0] === "--version" || args[0] === "-V")) {
  process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => process.exit(code === "EPIPE" ? 0 : 1));
  process.stdout.write(`${packageJson.version}\n`);
} else {
  reachThisMachineDirectly(process.env);
  const [{ runProgram }, { processIo }] = await Promise.all([import("./program.ts"), import("./io.ts")]);
  process.exit(await runProgram(args, processIo(), packageJson.version));
}
