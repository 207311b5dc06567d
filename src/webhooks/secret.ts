import { invalid } from "../errors.ts";

/** The prefix with which Standard Webhooks marks a secret whose key is what its base64 stands for. */
const prefix = "whsec_";
const createdBytes = 32;
export const secretCharsMax = 256;

export function createSecret(): string {
  return prefix + Buffer.from(crypto.getRandomValues(new Uint8Array(createdBytes))).toString("base64");
}

/** Throws `invalid` when nothing could be signed with it. */
export function acceptSecret(secret: string): string {
  if (/[\p{Cc}\p{Cs}]/u.test(secret)) throw invalid("secret", "secret must not hold control characters.");
  if (secret.startsWith(prefix) && !/^[A-Za-z0-9+/]{2,}={0,2}$/.test(secret.slice(prefix.length))) {
    throw invalid("secret", "secret begins with whsec_, so the rest must be base64.");
  }
  return secret;
}

/** The bytes that sign: of a `whsec_` secret the decoded ones, of any other its UTF-8. */
export function keyOf(secret: string): Buffer {
  return secret.startsWith(prefix) ? Buffer.from(secret.slice(prefix.length), "base64") : Buffer.from(secret);
}
