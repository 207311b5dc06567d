import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nowUs } from "../monotonic.ts";
import { median, number, type Scenario } from "../scenario.ts";

const rounds = 20;
const versionMsMax = 30;
const answerMsMax = 100;

/** How long one waits for the program. */
export const start: Scenario = async ({ binary, report }) => {
  const versionMs: number[] = [];
  const firstMs: number[] = [];
  const againMs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    versionMs.push(timeVersion(binary));
    const dataDir = await mkdtemp(join(tmpdir(), "matric-bench-"));
    firstMs.push(await timeFirstAnswer(binary, dataDir));
    againMs.push(await timeFirstAnswer(binary, dataDir));
    await rm(dataDir, { recursive: true });
  }
  const row = (what: string, ms: number, msMax: number) =>
    report({ what: `${what}, median of ${rounds}`, figure: `${number(ms)} ms`, target: `< ${msMax} ms`, ok: ms < msMax });
  row("--version", median(versionMs), versionMsMax);
  row("first answer after the start on an existing database", median(againMs), answerMsMax);
  row("first answer after the very first start", median(firstMs), answerMsMax);
};

function timeVersion(binary: string): number {
  const before = nowUs();
  const { exitCode } = Bun.spawnSync([binary, "--version"]);
  if (exitCode !== 0) throw new Error(`--version ended with ${exitCode}`);
  return (nowUs() - before) / 1000;
}

async function timeFirstAnswer(binary: string, dataDir: string): Promise<number> {
  const port = await freePort();
  const before = nowUs();
  const child = Bun.spawn([binary, "serve", "--port", String(port), "--data-dir", dataDir], { stdout: "ignore", cwd: dataDir });
  try {
    while (!(await answers(port))) await Bun.sleep(1);
    return (nowUs() - before) / 1000;
  } finally {
    child.kill("SIGTERM");
    await child.exited;
  }
}

async function answers(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/health`)).ok;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}
