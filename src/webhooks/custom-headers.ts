import { invalid } from "../errors.ts";

const headersMax = 32;
const valueCharsMax = 4096;
/** Stands for a value that is not shown. Sent back in a change, it means: as it was. */
export const masked = "***";

const token = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/;
const visible = /^[\t\x20-\x7e]*$/;
/** Ours, and those that say how a message is framed and sent on. */
const reserved =
  /^(x-matric-.*|webhook-.*|ce-.*|content-.*|proxy-.*|host|user-agent|connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|date|traceparent|tracestate)$/i;
const secretName = /auth|token|secret|key|cookie|password|session|signature|credential/i;

/**
 * Checks the headers that a user adds to each request. `known` are those the webhook has: a value that is masked stays as it
 * was. Throws `invalid`.
 */
export function acceptHeaders(
  headers: Readonly<Record<string, string>>,
  known: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const entries = Object.entries(headers);
  if (entries.length > headersMax)
    throw invalid("headers", `headers holds ${entries.length} headers; at most ${headersMax} are taken.`);
  const seen = new Set<string>();
  const accepted = entries.map(([name, given]): [string, string] => {
    const field = `headers.${name.slice(0, 80)}`;
    if (!token.test(name)) throw invalid(field, `"${name.slice(0, 80)}" is not the name of an HTTP header.`);
    if (reserved.test(name)) throw invalid(field, `${name} is set by matric or by HTTP itself; choose another name.`);
    if (seen.has(name.toLowerCase())) throw invalid(field, `${name} is given twice; upper and lower case are the same.`);
    seen.add(name.toLowerCase());
    const value = given === masked ? (known[name] ?? given) : given;
    if (value.length > valueCharsMax || !visible.test(value)) {
      throw invalid(field, `${field} must be at most ${valueCharsMax} characters of printable ASCII on one line.`);
    }
    return [name, value.trim()];
  });
  return Object.fromEntries(accepted);
}

/** The headers as they may be shown and stored: without the values that look like secrets. */
export function maskHeaders(
  headers: Readonly<Record<string, string>>,
  isSecret: (name: string) => boolean = looksSecret,
): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, isSecret(name) ? masked : value]));
}

/** The signatures are no secrets: they are what somebody who looks for a mistake needs to see. */
export function looksSecret(name: string): boolean {
  return secretName.test(name) && !/^(x-matric-signature|webhook-signature)$/i.test(name);
}
