interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

const factory = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
const policy = factory?.createPolicy("matric", {
  createScriptURL(url) {
    if (new URL(url).origin !== location.origin) throw new TypeError("scripts come from this server alone");
    return url;
  },
});

/** The address of one of the page's own scripts, in the form that the page's security policy asks for. */
export function scriptUrl(url: URL): string {
  return policy?.createScriptURL(url.href) ?? url.href;
}
