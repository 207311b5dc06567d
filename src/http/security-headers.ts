/**
 * On every answer that is no page: a browser must not take it for one, must not run, frame or guess anything of it, and must not
 * hand it to the pages of others.
 */
export const securityHeaders = {
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
} as const;

/** Also on what is a page; on answers for programs they would say nothing new, and cost a little each time. */
export const pageSecurityHeaders = {
  ...securityHeaders,
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
} as const;
