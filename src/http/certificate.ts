import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import type { Config } from "../config.ts";
import { MatricError } from "../errors.ts";

/** Where the two halves lie. */
export interface CertificateFiles {
  cert: string;
  key: string;
}

/** What the files hold, whether it is of use or not. */
export interface Pem {
  readonly cert: string;
  readonly key: string;
}

/** A chain and the key of its first certificate, which belong together. */
export interface Certificate extends Pem {
  /** Of the certificate itself, on the wall clock. */
  readonly validFromMs: number;
  readonly expiresAtMs: number;
}

/** Undefined where the server is to speak plain HTTP. */
export function certificateFiles({ tlsCert, tlsKey }: Pick<Config, "tlsCert" | "tlsKey">): CertificateFiles | undefined {
  return tlsCert === undefined || tlsKey === undefined ? undefined : { cert: tlsCert, key: tlsKey };
}

/** Throws `invalid` with one line when one of the files cannot be read. */
export function readPem({ cert, key }: CertificateFiles): Pem {
  return { cert: read(cert, "certificate"), key: read(key, "key") };
}

/**
 * What the files hold, as something that a server can listen with. Throws `invalid` with one line: it is no PEM, the key is for
 * another certificate or is kept under a passphrase. That a certificate has expired is no reason: clients decide that.
 */
export function parseCertificate({ cert, key }: Pem, files: CertificateFiles): Certificate {
  const first = attempt(() => new X509Certificate(cert), `${files.cert} holds no certificate in PEM form`);
  const secret = attempt(() => createPrivateKey(key), whyNoKey(key, files.key));
  if (!isFor(first, secret)) throw unusable(`${files.key} is not the key of the certificate in ${files.cert}`);
  // The rest of the chain, and whatever else only the library knows.
  attempt(() => createSecureContext({ cert, key }), `${files.cert} and ${files.key} cannot be used`);
  return { cert, key, validFromMs: first.validFromDate.getTime(), expiresAtMs: first.validToDate.getTime() };
}

function read(file: string, what: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    const why = code === "ENOENT" ? "it does not exist" : code === "EACCES" ? "this user may not" : (code ?? String(cause));
    throw new MatricError("invalid", `The ${what} ${file} cannot be read: ${why}.`, {}, { cause });
  }
}

function whyNoKey(key: string, file: string): string {
  if (/ENCRYPTED/.test(key)) return `${file} is kept under a passphrase, which nobody could type here`;
  return `${file} holds no private key in PEM form`;
}

function isFor(cert: X509Certificate, key: KeyObject): boolean {
  return attempt(() => cert.checkPrivateKey(key), "the key cannot be compared with the certificate");
}

function attempt<T>(run: () => T, otherwise: string): T {
  try {
    return run();
  } catch (cause) {
    throw unusable(otherwise, cause);
  }
}

function unusable(why: string, cause?: unknown): MatricError {
  return new MatricError("invalid", `TLS cannot be used: ${why}.`, {}, { cause });
}
