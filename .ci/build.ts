// Makes dist/matric (or the file that is named) for this machine, or with --all one binary for every platform that Bun compiles for.
import { mkdirSync, statSync } from "node:fs";

const platforms = [
  "linux-x64",
  "linux-arm64",
  "linux-x64-musl",
  "linux-arm64-musl",
  "darwin-x64",
  "darwin-arm64",
  "windows-x64",
  "windows-arm64",
];

/** No `--minify`: it hides from Elysia's own compiler which parts of a request a handler uses. */
const options = [
  "--compile",
  "--bytecode",
  "--format=esm",
  "--splitting",
  "--asset=drizzle",
  // The binary must not read, let alone run, what lies in the directory it is started in.
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
];

/** The program, and what it starts in threads of their own. */
const entryPoints = ["cli/main.ts", "src/jobs/ai-revision/tidy-thread.ts"];

function build(outfile: string, target?: string): void {
  const started = performance.now();
  const command = [
    "bun",
    "build",
    ...options,
    ...(target ? [`--target=bun-${target}`] : []),
    ...entryPoints,
    `--outfile=${outfile}`,
  ];
  const { exitCode, stderr } = Bun.spawnSync(command, { stdout: "ignore", stderr: "pipe" });
  if (exitCode !== 0) {
    process.stderr.write(`${target ?? "build"} failed:\n${stderr}`);
    process.exit(1);
  }
  const megabytes = (statSync(outfile).size / 1024 / 1024).toFixed(1);
  process.stdout.write(`${outfile} ${megabytes} MB in ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
}

mkdirSync("dist", { recursive: true });
if (process.argv.includes("--all")) {
  for (const platform of platforms) build(`dist/matric-${platform}${platform.startsWith("windows") ? ".exe" : ""}`, platform);
} else {
  build(process.argv[2] ?? "dist/matric");
}
