// Makes dist/matric (or the file that is named) for this machine, or with --all one binary for every platform that Bun compiles for.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { compress, embeddedFolder } from "../src/http/page-files.ts";
import { buildPage } from "../src/ui/build.ts";

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
  `--asset=${embeddedFolder}`,
  // The binary must not read, let alone run, what lies in the directory it is started in.
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
];

/** The program, and what it starts in threads of their own. */
const entryPoints = ["cli/main.ts", "src/jobs/ai-revision/tidy-thread.ts", "src/db/backup-thread.ts", "src/db/sync-thread.ts"];

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

/** The page and its compressed forms, as files that the binary embeds. Several builds may run at once in one checkout. */
async function writePage(): Promise<void> {
  const brotliMost = 11;
  const written = new Set<string>();
  for (const file of await buildPage()) {
    const { path, body, br, gzip } = await compress(file, brotliMost);
    for (const [name, bytes] of [
      [path, body],
      [`${path}.br`, br],
      [`${path}.gz`, gzip],
    ] as const) {
      written.add(name);
      const target = join(embeddedFolder, name);
      if (existsSync(target) && readFileSync(target).equals(bytes)) continue;
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(`${target}.${process.pid}`, bytes);
      renameSync(`${target}.${process.pid}`, target);
    }
  }
  for (const name of readdirSync(embeddedFolder, { recursive: true, encoding: "utf8" })) {
    const target = join(embeddedFolder, name);
    if (/\.\w+$/.test(name) && !/\.\d+$/.test(name) && !written.has(name)) rmSync(target, { force: true });
  }
}

mkdirSync("dist", { recursive: true });
await writePage();
if (process.argv.includes("--all")) {
  for (const platform of platforms) build(`dist/matric-${platform}${platform.startsWith("windows") ? ".exe" : ""}`, platform);
} else {
  build(process.argv[2] ?? "dist/matric");
}
