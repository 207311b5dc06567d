import { timingSafeEqual } from "node:crypto";
import { keyOf } from "./secret.ts";

/** What is signed besides the body. */
export interface SignedAs {
  /** The same for every attempt. */
  id: string;
  /** Seconds since 1970, of this attempt. */
  timestamp: number;
}

/** The headers that prove where a body comes from. `secrets` begins with the newest; there is at least one. */
export function signatureHeaders(secrets: readonly string[], { id, timestamp }: SignedAs, body: string): Record<string, string> {
  const [newest = ""] = secrets;
  return {
    "X-Matric-Signature": `sha256=${bodySignature(newest, body)}`,
    "webhook-id": id,
    "webhook-timestamp": String(timestamp),
    "webhook-signature": secrets.map((secret) => `v1,${standardSignature(secret, { id, timestamp }, body)}`).join(" "),
  };
}

/** Hex HMAC-SHA256 of the body alone. */
function bodySignature(secret: string, body: string | Uint8Array): string {
  return new Bun.CryptoHasher("sha256", keyOf(secret)).update(body).digest("hex");
}

/** Base64 HMAC-SHA256 of `id.timestamp.body` (Standard Webhooks). */
function standardSignature(secret: string, { id, timestamp }: SignedAs, body: string | Uint8Array): string {
  return new Bun.CryptoHasher("sha256", keyOf(secret)).update(`${id}.${timestamp}.`).update(body).digest("base64");
}

export interface Received {
  /** By name in lower case. */
  headers: Readonly<Record<string, string>>;
  body: Uint8Array;
}

/** How old, or how far in the future, a signed timestamp may be, if it matters. */
export interface Freshness {
  nowMs: number;
  toleranceMs: number;
}

/** Undefined when the request bears a good signature of either kind and no bad one; else why not, as a sentence. */
export function signatureProblem({ headers, body }: Received, secret: string, freshness?: Freshness): string | undefined {
  const matric = headers["x-matric-signature"];
  const standard = headers["webhook-signature"];
  if (matric === undefined && standard === undefined) {
    return "There is no signature: neither X-Matric-Signature nor webhook-signature was given.";
  }
  if (matric !== undefined && !isEqual(matric, `sha256=${bodySignature(secret, body)}`)) {
    return "X-Matric-Signature is not that of this body and secret.";
  }
  return standard === undefined ? undefined : standardProblem(headers, standard, { body, secret, freshness });
}

function standardProblem(
  headers: Received["headers"],
  signatures: string,
  { body, secret, freshness }: { body: Uint8Array; secret: string; freshness: Freshness | undefined },
): string | undefined {
  const id = headers["webhook-id"];
  const timestamp = headers["webhook-timestamp"] ?? "";
  if (id === undefined || !/^\d{1,12}$/.test(timestamp)) return "webhook-signature also needs webhook-id and webhook-timestamp.";
  const expected = `v1,${standardSignature(secret, { id, timestamp: Number(timestamp) }, body)}`;
  if (!signatures.split(" ").some((one) => isEqual(one, expected))) {
    return "webhook-signature is not that of this id, timestamp, body and secret.";
  }
  const ageMs = freshness ? freshness.nowMs - Number(timestamp) * 1000 : 0;
  if (freshness && Math.abs(ageMs) > freshness.toleranceMs) {
    return `webhook-timestamp is ${Math.round(Math.abs(ageMs) / 1000)} seconds ${ageMs > 0 ? "old" : "in the future"}.`;
  }
  return undefined;
}

function isEqual(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
