import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { certificateFor, type KeyAndCert } from "./certificate.ts";
import { eventually } from "./eventually.ts";
import { recipe } from "./readme.ts";

export type ProxyName = "nginx" | "caddy";

/** Whether Debian's packages `nginx-light` and `caddy` are there. Where CI runs, their absence is a failure. */
export const hasProxies = Bun.which("nginx") !== null && Bun.which("caddy") !== null;
if (!hasProxies && process.env.CI === "true")
  throw new Error("install Debian's packages nginx-light and caddy: these tests must not be skipped here");
if (!hasProxies) process.stderr.write("SKIPPED: tests with real proxies; apt-get install nginx-light caddy\n");

export interface ProxyOptions {
  /** On 127.0.0.1; the server has to be told of it before. */
  port: number;
  /** The server's own URL. */
  upstream: string;
  /** Makes times shorter, for one. */
  change?: (set: string) => string;
}

/** The real program, set up as the README says but for its port, its certificate, and where it puts its files. */
export class ProxyProcess {
  private constructor(
    readonly url: string,
    readonly certificate: KeyAndCert,
    private readonly child: Bun.Subprocess,
    private readonly folder: string,
  ) {}

  /** Resolves when it answers. */
  static async start(name: ProxyName, { port, upstream, change = (text) => text }: ProxyOptions): Promise<ProxyProcess> {
    const folder = mkdtempSync(join(tmpdir(), `matric-${name}-`));
    const certificate = certificateFor("localhost");
    writeFileSync(join(folder, "cert.pem"), certificate.cert);
    writeFileSync(join(folder, "key.pem"), certificate.key);
    const set = change(recipe(name)).replace("127.0.0.1:6287", new URL(upstream).host);
    const config = join(folder, "config");
    writeFileSync(config, name === "nginx" ? nginxConfig(set, port, folder) : caddyConfig(set, port, folder));
    const child = Bun.spawn(
      name === "nginx" ? ["nginx", "-p", folder, "-c", config] : ["caddy", "run", "--adapter", "caddyfile", "--config", config],
      {
        env: { PATH: process.env.PATH ?? "", HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
        stdin: "ignore",
        stdout: "ignore",
        stderr: Bun.file(join(folder, "log")),
      },
    );
    const url = `https://localhost:${port}`;
    const proxy = new ProxyProcess(url, certificate, child, folder);
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`${name}: ${await Bun.file(join(folder, "log")).text()}`);
      return fetch(url, { tls: { ca: certificate.cert } }).then(
        () => true,
        () => false,
      );
    });
    return proxy;
  }

  async stop(): Promise<void> {
    this.child.kill("SIGTERM");
    await this.child.exited;
    rmSync(this.folder, { recursive: true });
  }
}

function nginxConfig(set: string, port: number, folder: string): string {
  const here = set
    .replace("listen 443 ", `listen 127.0.0.1:${port} `)
    .replaceAll(/\/etc\/letsencrypt\S*\/fullchain.pem/g, join(folder, "cert.pem"))
    .replaceAll(/\/etc\/letsencrypt\S*\/privkey.pem/g, join(folder, "key.pem"));
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${folder}/${kind};`);
  return `daemon off; pid ${folder}/pid; error_log stderr warn; ${process.getuid?.() === 0 ? "user root;" : ""}
events { worker_connections 1024; }
http { access_log off; ${paths.join(" ")}
${here}
}`;
}

function caddyConfig(set: string, port: number, folder: string): string {
  const certificate = `{\n  tls ${join(folder, "cert.pem")} ${join(folder, "key.pem")}\n  bind 127.0.0.1`;
  return `{
  admin off
  auto_https disable_redirects
  skip_install_trust
}
${set.replace("notes.example.com {", `https://localhost:${port}, https://notes.example.com:${port} ${certificate}`)}`;
}
