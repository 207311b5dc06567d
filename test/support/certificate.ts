import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A certificate for one host, signed by itself; good for two days, or until yesterday. */
export function certificateFor(host: string, { expired = false } = {}): { key: string; cert: string } {
  const folder = mkdtempSync(join(tmpdir(), "matric-cert-"));
  const [key, request, cert] = [join(folder, "key.pem"), join(folder, "request.pem"), join(folder, "cert.pem")];
  const names = ["-subj", `/CN=${host}`, "-addext", `subjectAltName=DNS:${host}`];
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
