import { httpUrl, networks, nonEmpty, oneOf, origins, setting } from "./setting.ts";

/** Who may use the server, and from where. */
export const accessSettings = {
  auth: setting({
    env: "MATRIC_AUTH",
    default: "off" as "on" | "off",
    help: "whether who asks must show a token: `on` or `off`; off the loopback address it must be on, or `--no-auth` said",
    parse: oneOf("on", "off"),
  }),
  jwtIssuer: setting({
    env: "MATRIC_JWT_ISSUER",
    default: undefined as string | undefined,
    defaultText: "none",
    help: "OpenID Connect issuer whose JWTs are accepted, too; needs MATRIC_JWT_AUDIENCE",
    parse: httpUrl,
  }),
  jwtAudience: setting({
    env: "MATRIC_JWT_AUDIENCE",
    default: undefined as string | undefined,
    defaultText: "none",
    help: "audience that a JWT must be made for",
    parse: nonEmpty,
  }),
  allowedOrigins: setting({
    env: "MATRIC_ALLOWED_ORIGINS",
    default: [] as string[],
    defaultText: "the server's own",
    help: "origins of other pages that may use the server, separated by commas",
    parse: origins,
  }),
  trustedProxies: setting({
    env: "MATRIC_TRUSTED_PROXIES",
    default: [] as string[],
    defaultText: "none",
    help: "addresses and networks of proxies whose `X-Forwarded-For` is believed, separated by commas",
    parse: networks,
  }),
};
