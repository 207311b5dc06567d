const firstMs = 1000;
const factor = 5;
const mostMs = 60 * 60 * 1000;

/** How long to wait after the failure of this attempt (1 is the first): 1 s, 5 s, 25 s …, at most an hour. */
function backoffMs(attempt: number): number {
  return Math.min(mostMs, firstMs * factor ** (attempt - 1));
}

/** The wait that an attempt asked for itself (`Retry-After`), as far as it lengthens the usual one; at most an hour. */
export function retryDelayMs(attempt: number, askedMs = 0): number {
  return Math.min(mostMs, Math.max(backoffMs(attempt), askedMs));
}
