import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";

/** Whether Debian's package `prometheus` is there. Where CI runs, its absence is a failure. */
export const hasPrometheus = Bun.which("promtool") !== null && Bun.which("prometheus") !== null;
if (!hasPrometheus && process.env.CI === "true")
  throw new Error("install Debian's package prometheus: these tests must not be skipped here");
if (!hasPrometheus) process.stderr.write("SKIPPED: tests with a real Prometheus; apt-get install prometheus\n");

/** Runs promtool; resolves to what it complains of. */
export async function promtool(args: string[], input: string): Promise<{ code: number; output: string }> {
  const child = Bun.spawn(["promtool", ...args], { stdin: new TextEncoder().encode(input), stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, output: `${stdout}${stderr}` };
}

export interface Series {
  metric: Record<string, string>;
  value: [number, string];
}

/** A Prometheus that scrapes one server every second. */
export class Prometheus {
  private constructor(
    private readonly url: string,
    private readonly child: Bun.Subprocess,
    private readonly folder: string,
  ) {}

  static async start(target: string, rules: string): Promise<Prometheus> {
    const folder = mkdtempSync(join(tmpdir(), "matric-prometheus-"));
    writeFileSync(join(folder, "rules.yml"), rules);
    const config = {
      global: { scrape_interval: "1s", evaluation_interval: "1s" },
      rule_files: ["rules.yml"],
      scrape_configs: [{ job_name: "matric", static_configs: [{ targets: [new URL(target).host] }] }],
    };
    // JSON is YAML.
    writeFileSync(join(folder, "prometheus.yml"), JSON.stringify(config));
    const address = `127.0.0.1:${freePort()}`;
    const child = Bun.spawn(
      [
        "prometheus",
        `--config.file=${join(folder, "prometheus.yml")}`,
        `--storage.tsdb.path=${join(folder, "data")}`,
        `--web.listen-address=${address}`,
      ],
      { stdin: "ignore", stdout: "ignore", stderr: "ignore" },
    );
    const prometheus = new Prometheus(`http://${address}`, child, folder);
    await eventually(() =>
      fetch(`http://${address}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
    return prometheus;
  }

  /** Evaluates an expression now. Rejects with what is wrong with it. */
  async query(expr: string): Promise<Series[]> {
    const { data } = await this.#get(`query?${new URLSearchParams({ query: expr })}`);
    return data.result;
  }

  async targets(): Promise<{ health: string; lastError: string }[]> {
    return (await this.#get("targets")).data.activeTargets;
  }

  async rules(): Promise<{ name: string; health: string; state: string; lastError?: string }[]> {
    const { data } = await this.#get("rules");
    return data.groups.flatMap(({ rules }: { rules: object[] }) => rules);
  }

  async stop(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.exited;
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #get(path: string) {
    const response = await fetch(`${this.url}/api/v1/${path}`);
    const answer = JSON.parse(await response.text());
    if (answer.status !== "success") throw new Error(`${path}: ${JSON.stringify(answer)}`);
    return answer;
  }
}
