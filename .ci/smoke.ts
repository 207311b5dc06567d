// Starts the built binary in an empty directory in which a foreign .env and bunfig.toml lie, and uses it like a newcomer.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const binary = resolve(process.argv[2] ?? "dist/matric");
const home = mkdtempSync(join(tmpdir(), "matric-smoke-"));
const cwd = join(home, "elsewhere");
mkdirSync(cwd);
// What lies there must be neither read nor run.
writeFileSync(join(cwd, ".env"), "MATRIC_PORT=not-a-port\n");
writeFileSync(join(cwd, "bunfig.toml"), 'preload = ["./preload.ts"]\n');
writeFileSync(join(cwd, "preload.ts"), 'console.log("preloaded"); process.exit(9);\n');

const env = { PATH: process.env.PATH ?? "", HOME: home };

function check(what: string, ok: boolean, detail = ""): void {
  process.stdout.write(`${ok ? "ok  " : "FAIL"} ${what}${ok ? "" : ` ${detail}`}\n`);
  if (!ok) process.exitCode = 1;
}

function run(...args: string[]) {
  const { exitCode, stdout, stderr } = Bun.spawnSync([binary, ...args], { cwd, env, stderr: "pipe" });
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

const version = run("--version");
check("--version", version.exitCode === 0 && /^\d+\.\d+\.\d+\n$/.test(version.stdout), JSON.stringify(version));
check("--help", run("--help").stdout.includes("serve"));
check("a bad setting ends with 2", run("serve", "--port", "banana").exitCode === 2);

const server = Bun.spawn([binary, "serve", "--port", "0"], { cwd, env, stdout: "pipe", stderr: "inherit" });
try {
  const url = await listeningUrl(server.stdout);
  const at = (path: string) => new URL(path, url).href;
  check("health", (await fetch(at("/health"))).status === 200);
  check("ready", (await fetch(at("/health/ready"))).status === 200);
  check(
    "OpenAPI",
    ((await (await fetch(at("/swagger/json"))).json()) as { openapi?: string }).openapi?.startsWith("3.") === true,
  );
  check(
    "AsyncAPI",
    ((await (await fetch(at("/api/v1/asyncapi.json"))).json()) as { asyncapi?: string }).asyncapi?.startsWith("3.") === true,
  );
  const swagger = await (await fetch(at("/swagger"))).text();
  check("API page needs no network", swagger.includes("<html") && !/(src|href)=["']https?:/.test(swagger));
  const page = await fetch(at("/"));
  check("the page", page.status === 200 && (await page.text()).includes("<html"), String(page.status));
  check("the page has its security headers", page.headers.get("content-security-policy")?.includes("default-src") === true);
  check("add a note", run("notes", "add", "--title", "Smoke", "--content", "Hello  world", "--url", url).exitCode === 0);
  const listed = run("notes", "list", "--json", "--url", url);
  const note: unknown = JSON.parse(listed.stdout.split("\n")[0] ?? "null");
  const id = note !== null && typeof note === "object" && "id" in note ? String(note.id) : "";
  check("list notes", id !== "", listed.stdout);
  const revised = run("notes", "revise", id, "--wait", "--url", url);
  check("revise a note", revised.exitCode === 0, JSON.stringify(revised));
  const tail = run("events", "tail", "--since", "earliest", "--until-idle", "1", "--json", "--url", url);
  const names = tail.stdout
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { event: string }).event);
  const piped = Bun.spawnSync(["sh", "-c", `"${binary}" events tail --since earliest --url "${url}" | head -n 1`], {
    cwd,
    env,
    timeout: 10_000,
  });
  check("a tail ends when nobody reads it any more", piped.exitCode === 0 && piped.stdout.toString() !== "");
  check("tail the log", names[0] === "NoteCreated" && names.includes("JobCompleted"), names.join(" "));
} finally {
  server.kill("SIGTERM");
  check("SIGTERM ends with 0", (await server.exited) === 0);
  rmSync(home, { recursive: true, force: true });
}

async function listeningUrl(output: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  const reader = output.getReader();
  while (true) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`the server ended before it listened: ${text}`);
    text += decoder.decode(value, { stream: true });
    const url = /"url":"([^"]+)"/.exec(text)?.[1];
    if (url) return url;
  }
}
