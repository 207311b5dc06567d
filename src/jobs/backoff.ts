const firstMs = 1000;
const factor = 5;
/** The longest that an attempt is ever put off: a wall clock that was set back cannot make it longer. */
export const delayMsMax = 60 * 60 * 1000;

/** How long to wait after the failure of this attempt (1 is the first): 1 s, 5 s, 25 s …, at most an hour. */
function backoffMs(attempt: number): number {
  return Math.min(delayMsMax, firstMs * factor ** (attempt - 1));
}

/** The wait that an attempt asked for itself (`Retry-After`), as far as it lengthens the usual one; at most an hour. */
export function retryDelayMs(attempt: number, askedMs = 0): number {
  return Math.min(delayMsMax, Math.max(backoffMs(attempt), askedMs));
}
