import { Session, SignIn, Ticket } from "../auth/contract.ts";
import type { Principal } from "../auth/principal.ts";
import { timestamp } from "../clock.ts";
import { cookieFor, noCookie } from "./auth-cookie.ts";
import { emptyAnswer } from "./empty.ts";
import { jsonText } from "./json.ts";
import { json, operation } from "./operation.ts";
import { plugin } from "./plugin.ts";
import type { Services } from "./services.ts";

const tag = "access";

/** How browsers sign in: a page with a cookie, an EventSource or WebSocket of any page with a ticket. */
export function ticketRoutes({ access, gate, clock }: Services) {
  const sessionOf = ({ id, scopes, expiresAtMs }: Principal): Session => ({
    auth: access.isOn ? "on" : "off",
    token_id: id,
    scopes: [...scopes],
    expires_at: expiresAtMs === null ? null : timestamp(expiresAtMs),
  });
  return plugin("tickets")
    .post(
      "/session",
      async ({ request, body: { token } }) => {
        const principal = await access.verify(token);
        const { expiresAtMs } = principal;
        const expiresInMs = expiresAtMs === null ? null : expiresAtMs - clock.now();
        const headers = access.isOn
          ? { "set-cookie": cookieFor(token, { expiresInMs, isSecure: isSecure(request) }) }
          : undefined;
        return jsonText(JSON.stringify(sessionOf(principal)), 200, headers);
      },
      {
        body: SignIn,
        detail: operation({
          id: "signIn",
          tag,
          summary: "Sign a browser in with an access token",
          description: "The token goes into a cookie that no script can read.",
          answers: { 200: json("Who is signed in", Session, { "Set-Cookie": "The token" }) },
          errors: ["unauthorized"],
        }),
      },
    )
    .get("/session", ({ request }) => jsonText(JSON.stringify(sessionOf(gate.callerOf(request)))), {
      detail: operation({
        id: "getSession",
        tag,
        summary: "Who makes this request, and what it may do",
        answers: { 200: json("Who it is", Session) },
      }),
    })
    .delete("/session", ({ request }) => emptyAnswer(204, { "set-cookie": noCookie(isSecure(request)) }), {
      detail: operation({
        id: "signOut",
        tag,
        summary: "Sign a browser out",
        description: "Takes the cookie away; the token itself stays valid until it is revoked.",
        answers: { 204: { description: "Nobody is signed in" } },
      }),
    })
    .post(
      "/events/tickets",
      ({ request }) => {
        const { ticket, expiresAtMs } = access.tickets.issue(gate.callerOf(request));
        const answer: Ticket = { ticket, expires_at: timestamp(expiresAtMs) };
        return jsonText(JSON.stringify(answer), 201);
      },
      {
        detail: operation({
          id: "createTicket",
          tag,
          summary: "Make a ticket for one stream",
          description:
            "For an EventSource or WebSocket that can send no header: `?ticket=` of `GET /api/v1/events` or `/api/v1/ws`, once and within 30 seconds.",
          answers: { 201: json("The ticket", Ticket) },
          errors: ["rate_limited"],
        }),
      },
    );
}

/** TLS may end at a proxy; the page's own origin tells how the browser sees it. */
function isSecure({ url, headers }: Request): boolean {
  return url.startsWith("https:") || (headers.get("origin") ?? "").startsWith("https:");
}
