import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

const root = join(import.meta.dir, "..");

const base = ["errors.ts", "mismatch.ts", "id-cursor.ts", "clock.ts", "logger.ts", "tracing.ts", "spelling.ts"];
const engines = ["notes", "jobs", "webhooks", "auth"];

/** Which folders and files of src each one may import, besides its own folder. */
const mayImport: Record<string, readonly string[]> = {
  "errors.ts": [],
  "clock.ts": [],
  "mismatch.ts": ["errors.ts"],
  "id-cursor.ts": ["errors.ts"],
  "logger.ts": ["clock.ts"],
  "stdout.ts": ["logger.ts"],
  "tracing.ts": [],
  "spelling.ts": [],
  "setting.ts": [],
  "access-settings.ts": ["setting.ts"],
  "limit-settings.ts": ["setting.ts"],
  "config.ts": ["errors.ts", "logger.ts", "setting.ts", "access-settings.ts", "limit-settings.ts"],
  "health.ts": ["jobs"],
  db: base,
  events: [...base, "db"],
  notes: [...base, "db", "events"],
  jobs: [...base, "db", "events"],
  webhooks: [...base, "db", "events"],
  auth: [...base, "db", "events"],
  // Contracts only: see below.
  client: ["errors.ts", "clock.ts", "health.ts", "events", ...engines],
  ui: ["errors.ts", "clock.ts", "health.ts", "client", "events", ...engines],
  telemetry: [...base, "config.ts", "db", "events", ...engines],
  mcp: [...base, "config.ts", "db", "events", ...engines, "client"],
  http: [...base, "config.ts", "setting.ts", "health.ts", "db", "events", ...engines, "telemetry", "mcp", "ui"],
  "core.ts": ["*"],
  "app.ts": ["*"],
};

/** Packages that only these places may know. */
const homeOf: Record<string, RegExp> = {
  elysia: /^src\/http\//,
  "@elysiajs/swagger": /^src\/http\//,
  commander: /^cli\//,
  "drizzle-orm": /^src\/db\/|-?store\.ts$|^src\/\w+\/store\//,
  "bun:sqlite": /^src\/db\/|store\.ts$|sqlite-log\.ts$|index\.ts$/,
};

function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), "utf8");
  return [
    ...text.matchAll(/^(?:import|export)\s[^"']*?["']([^"']+)["']|^import\s*["']([^"']+)["']|import\(["']([^"']+)["']\)/gm),
  ].map((match) => match[1] ?? match[2] ?? match[3] ?? "");
}

/** `src/events/log.ts` → `events`, `src/app.ts` → `app.ts`. */
function partOf(file: string): string {
  return file.split("/")[1] ?? "";
}

const sources = filesBelow("src");
const commands = filesBelow("cli");

test("imports go in one direction only", () => {
  const wrong = sources.flatMap((file) =>
    importsOf(file)
      .filter((name) => name.startsWith("."))
      .map((name) => normalize(join(dirname(file), name)))
      .filter((target) => target.startsWith("src/"))
      .filter((target) => {
        const [from, to] = [partOf(file), partOf(target)];
        const allowed = mayImport[from] ?? [];
        return from !== to && !allowed.includes(to) && !allowed.includes("*");
      })
      .map((target) => `${file} imports ${target}`),
  );
  expect(wrong).toEqual([]);
});

test("every part of src has its place in the order of imports", () => {
  expect([...new Set(sources.map(partOf))].filter((part) => !Object.hasOwn(mayImport, part))).toEqual([]);
});

test("client and page know contracts, never stores or engines", () => {
  const wrong = sources
    .filter((file) => /^src\/(client|ui)\//.test(file))
    .flatMap((file) =>
      importsOf(file)
        .filter((name) => name.startsWith("."))
        .map((name) => normalize(join(dirname(file), name)))
        .filter((target) => /^src\/(notes|jobs|webhooks|auth|db)\//.test(target) && !/contract\.ts$/.test(target))
        .map((target) => `${file} imports ${target}`),
    );
  expect(wrong).toEqual([]);
});

test("elysia, commander and drizzle stay at home", () => {
  const wrong = [...sources, ...commands].flatMap((file) =>
    importsOf(file)
      .filter((name) =>
        Object.entries(homeOf).some(([pkg, home]) => (name === pkg || name.startsWith(`${pkg}/`)) && !home.test(file)),
      )
      .map((name) => `${file} imports ${name}`),
  );
  expect(wrong).toEqual([]);
});

test("no command is imported by the server", () => {
  const wrong = sources.filter((file) => importsOf(file).some((name) => normalize(join(dirname(file), name)).startsWith("cli/")));
  expect(wrong).toEqual([]);
});

test("no file is named after nothing in particular", () => {
  const vague = /(^|\/)(utils?|helpers?|common|misc|types|index)\.tsx?$/;
  expect([...sources, ...commands, ...filesBelow("test")].filter((file) => vague.test(file))).toEqual([]);
});

test("no file of the product is longer than 300 lines", () => {
  const long = [...sources, ...commands].filter((file) => readFileSync(join(root, file), "utf8").split("\n").length > 301);
  expect(long).toEqual([]);
});

test("only what belongs there lies at the top", () => {
  const allowed = ["src", "cli", "test", "drizzle", "bunfig.toml", "package.json", "tsconfig.json", "bun.lock"];
  const tracked = Bun.spawnSync(["git", "ls-files"], { cwd: root }).stdout.toString().split("\n").filter(Boolean);
  // Outside a git checkout there is nothing to compare with.
  const top = [...new Set(tracked.map((file) => file.split("/")[0] ?? ""))];
  const known = [...allowed, "README.md", "CHANGELOG.md", "LICENSE"];
  expect(top.filter((name) => !known.includes(name) && !name.startsWith("."))).toEqual([]);
});

test("the lock file and the sources name no registry", () => {
  expect(existsSync(join(root, "bun.lock"))).toBe(true);
  expect(readFileSync(join(root, "bun.lock"), "utf8")).not.toMatch(/https?:\/\//);
});
