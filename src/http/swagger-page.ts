import viewerStyle from "swagger-ui-dist/swagger-ui.css" with { type: "file" };
import viewerScript from "swagger-ui-dist/swagger-ui-bundle.js" with { type: "file" };
import { pageSecurityHeaders, securityHeaders } from "./security-headers.ts";

/** Everything that the page loads comes from this server; it runs in a network without any other. */
const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

// Without `validatorUrl` the viewer shows a badge that it fetches from a server of its own makers.
const start = `const viewer = document.getElementById("viewer");
SwaggerUIBundle({ domNode: viewer, url: viewer.dataset.url, deepLinking: true, validatorUrl: null });
`;

/** The viewer of the API's document. `address` is where the page was asked for. */
export function swaggerPage({ pathname }: URL): Response {
  // Relative, so that the page also works below a proxy's path, with and without a slash at its end.
  const at = pathname.endsWith("/") ? "" : "swagger/";
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>matric API</title>
<link rel="stylesheet" href="${at}viewer.css">
</head>
<body>
<main id="viewer" data-url="${at}json"></main>
<script src="${at}viewer.js"></script>
<script src="${at}start.js"></script>
</body>
</html>
`;
  return new Response(html, {
    headers: {
      ...pageSecurityHeaders,
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": contentSecurityPolicy,
      "cache-control": "no-cache",
    },
  });
}

/** What the page loads, by the last part of the address. */
export const swaggerAssets = {
  "viewer.js": () => asset(Bun.file(viewerScript), "text/javascript"),
  "viewer.css": () => asset(Bun.file(viewerStyle), "text/css"),
  "start.js": () => asset(start, "text/javascript"),
};

function asset(body: string | Bun.BunFile, type: string): Response {
  const headers = {
    ...securityHeaders,
    "content-type": `${type}; charset=utf-8`,
    "cache-control": "max-age=3600",
  };
  return new Response(body, { headers });
}
