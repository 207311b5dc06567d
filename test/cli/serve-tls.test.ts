import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkCertificate } from "../../cli/doctor/certificate.ts";
import { certificateFor } from "../support/certificate.ts";
import { jsonLines, runCli } from "../support/cli.ts";
import { startApp } from "../support/start-app.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "matric-test-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

describe("a certificate that cannot be used ends the start with one line and exit code 2:", () => {
  const { cert, key } = certificateFor("localhost");
  const locked = Bun.spawnSync(["openssl", "pkey", "-aes256", "-passout", "pass:secret"], { stdin: Buffer.from(key) });

  async function refusal(flags: string[], env: Record<string, string> = {}): Promise<string> {
    const args = ["serve", "--port", "0", "--data-dir", join(dir, "data"), ...flags];
    const { code, stdout, stderr } = await runCli(args, { env });
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    return stderr;
  }

  test("half of one", async () => {
    expect(await refusal(["--tls-cert", file("c.pem", cert)])).toContain("MATRIC_TLS_KEY");
    expect(await refusal([], { MATRIC_TLS_KEY: file("k.pem", key) })).toContain("MATRIC_TLS_CERT");
  });

  test.each<[string, string | undefined, string, string]>([
    ["a file that is not there", undefined, key, "it does not exist"],
    ["something else", "hello", key, "no certificate in PEM form"],
    ["half a file", cert.slice(0, 200), key, "no certificate in PEM form"],
    ["a damaged chain", `${cert}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`, key, "cannot be used"],
    ["no key", cert, "", "no private key in PEM form"],
    ["the key of another one", cert, certificateFor("localhost").key, "is not the key of"],
    ["a key under a passphrase", cert, locked.stdout.toString(), "passphrase"],
  ])("%s", async (_name, certText, keyText, complaint) => {
    const certFile = certText === undefined ? join(dir, "missing.pem") : file("c.pem", certText);
    const flags = ["--tls-cert", certFile, "--tls-key", file("k.pem", keyText)];
    const refused = await refusal(flags);
    expect(refused).toContain(complaint);
    expect(refused).toContain(dir);
  });
});

describe("the command line and a server with a certificate of its own making", () => {
  test("trusts it when NODE_EXTRA_CA_CERTS names it, and says so when nobody does", async () => {
    const { cert, key } = certificateFor("localhost");
    const [tlsCert, tlsKey] = [file("c.pem", cert), file("k.pem", key)];
    const app = await startApp({ tlsCert, tlsKey });
    try {
      const url = `https://localhost:${new URL(app.url).port}`;
      const trusting = { url, env: { NODE_EXTRA_CA_CERTS: tlsCert } };
      const strange = await runCli(["notes", "list"], { url });
      expect([strange.code, strange.stdout]).toEqual([5, ""]);
      expect(strange.stderr).toContain("NODE_EXTRA_CA_CERTS");

      expect((await runCli(["notes", "add", "--title", "Sea"], trusting)).code).toBe(0);
      const tail = await runCli(["events", "tail", "--since", "earliest", "--count", "1", "--json"], trusting);
      expect(jsonLines(tail.stdout)).toMatchObject([{ event: "NoteCreated" }]);
      const doctor = await runCli(["doctor", "--json", "--public-url", url, "--data-dir", join(dir, "data")], {
        ...trusting,
        env: { ...trusting.env, MATRIC_TLS_CERT: tlsCert, MATRIC_TLS_KEY: tlsKey },
      });
      expect(jsonLines(doctor.stdout)).toContainEqual(expect.objectContaining({ check: "server", status: "ok" }));
      expect(jsonLines(doctor.stdout)).toContainEqual(expect.objectContaining({ check: "proxy", status: "ok" }));
      // It is valid for two days.
      expect(jsonLines(doctor.stdout)).toContainEqual(expect.objectContaining({ check: "certificate", status: "warning" }));
    } finally {
      await app.stop();
    }
  });

  test("the doctor looks at the certificate", () => {
    const { cert, key } = certificateFor("localhost");
    const files = { cert: file("c.pem", cert), key: file("k.pem", key) };
    const dayMs = 86_400_000;
    expect(checkCertificate(files, Date.now() - 30 * dayMs)).toMatchObject({ status: "problem" });
    expect(checkCertificate(files, Date.now() + 3 * dayMs)).toMatchObject({ status: "problem" });
    expect(checkCertificate(files, Date.now())).toMatchObject({ status: "warning" });
    expect(checkCertificate({ ...files, key: "missing" }, Date.now())).toMatchObject({
      status: "problem",
      message: expect.stringContaining("does not exist"),
    });
    expect(checkCertificate(undefined, Date.now())).toMatchObject({ status: "skipped" });
  });
});
