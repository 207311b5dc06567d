import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface KeyAndCert {
  key: string;
  cert: string;
}

/** A certificate for one host (`localhost` has its address, too), signed by itself; good for two days, or until yesterday. */
export function certificateFor(host: string, { expired = false } = {}): KeyAndCert {
  const folder = mkdtempSync(join(tmpdir(), "matric-cert-"));
  const [key, request, cert] = [join(folder, "key.pem"), join(folder, "request.pem"), join(folder, "cert.pem")];
  const address = host === "localhost" ? ",IP:127.0.0.1" : "";
  const names = ["-subj", `/CN=${host}`, "-addext", `subjectAltName=DNS:${host}${address}`];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl("req", ...curve, "-keyout", key, "-out", request, ...names);
  const days = expired ? "-1" : "2";
  openssl("x509", "-req", "-in", request, "-signkey", key, "-copy_extensions", "copy", "-days", days, "-out", cert);
  const pair = { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  rmSync(folder, { recursive: true });
  return pair;
}

function openssl(...args: string[]): void {
  const made = Bun.spawnSync(["openssl", ...args]);
  if (!made.success) throw new Error(`openssl: ${made.stderr}`);
}

/** Tells one certificate from another. */
export function fingerprintOf({ cert }: KeyAndCert): string {
  return new X509Certificate(cert).fingerprint256;
}

/** A folder like certbot's: the names that a server is given are links to the newest pair. */
export class LiveCertificate {
  readonly folder = mkdtempSync(join(tmpdir(), "matric-live-"));
  readonly certFile = join(this.folder, "fullchain.pem");
  readonly keyFile = join(this.folder, "privkey.pem");
  #serial = 0;

  constructor(first: KeyAndCert) {
    this.replace(first);
  }

  /** Links to another pair, the certificate first. */
  replace({ cert, key }: KeyAndCert): void {
    this.#link(this.certFile, cert);
    this.#link(this.keyFile, key);
  }

  replaceCert(text: string): void {
    this.#link(this.certFile, text);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  #link(name: string, text: string): void {
    const archived = `${name}.${++this.#serial}`;
    writeFileSync(archived, text);
    symlinkSync(archived, `${name}.new`);
    renameSync(`${name}.new`, name);
  }
}
