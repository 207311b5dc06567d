import { timestamp } from "../../src/clock.ts";
import { messageOf } from "../../src/errors.ts";
import { type CertificateFiles, parseCertificate, readPem } from "../../src/http/certificate.ts";
import { type Finding, ok, problem, skipped, warning } from "./finding.ts";

/** Whatever renews certificates has tried for two weeks by then. */
const daysFew = 14;
const dayMs = 86_400_000;

/** Whether the server could use its certificate, and for how long. */
export function checkCertificate(files: CertificateFiles | undefined, nowMs: number): Finding {
  const check = "certificate";
  if (!files) return skipped(check, "none is configured (MATRIC_TLS_CERT): TLS is left to a proxy");
  try {
    const { validFromMs, expiresAtMs } = parseCertificate(readPem(files), files);
    const renew = "Renew it: the server takes the new one from the same files by itself.";
    if (nowMs < validFromMs) return problem(check, `it is not valid before ${timestamp(validFromMs)}`, renew);
    if (nowMs >= expiresAtMs) return problem(check, `it expired at ${timestamp(expiresAtMs)}`, renew);
    const message = `it is valid until ${timestamp(expiresAtMs)}`;
    return expiresAtMs - nowMs < daysFew * dayMs ? warning(check, message, renew) : ok(check, message);
  } catch (error) {
    return problem(check, messageOf(error), "Name the right files, readable by this user.");
  }
}
