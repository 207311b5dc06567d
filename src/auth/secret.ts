import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** By it tokens are recognised wherever they were lost: in a log, in a repository. */
export const tokenPrefix = "mtr_";
const randomLength = 32;

/** 256 random bits: nothing that could be guessed, so a fast hash keeps it. */
export function createSecret(): string {
  return `${tokenPrefix}${randomBytes(randomLength).toString("base64url")}`;
}

export function createKey(): Uint8Array {
  return randomBytes(randomLength);
}

export function hashOf(secret: string, key: Uint8Array): string {
  return createHmac("sha256", key).update(secret).digest("base64url");
}

/** Takes the same time wherever the two differ. */
export function isSameHash(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.byteLength === right.byteLength && timingSafeEqual(left, right);
}
