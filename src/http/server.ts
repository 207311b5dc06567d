import { Elysia, ParseError, ValidationError } from "elysia";
import { MatricError } from "../errors.ts";
import { mismatch } from "../mismatch.ts";
import { methodsAt } from "./allow.ts";
import { authHooks, bodyHooks } from "./auth-hooks.ts";
import { backupRoutes } from "./backup.ts";
import { bodyMissing, NoBody } from "./body.ts";
import { docsRoutes } from "./docs.ts";
import { refuseWhileDraining } from "./draining.ts";
import { eventRoutes } from "./events.ts";
import { Guard, type Handle } from "./guard.ts";
import { healthRoutes } from "./health.ts";
import { jobRoutes } from "./jobs.ts";
import { mcpRoutes } from "./mcp.ts";
import { metricsRoutes } from "./metrics.ts";
import { noteRoutes } from "./notes.ts";
import type { Route } from "./openapi.ts";
import { asMatricError, problemResponse } from "./problem.ts";
import { queueRoutes } from "./queue.ts";
import { urlOf } from "./request-url.ts";
import type { Services } from "./services.ts";
import { socketRoutes } from "./socket-route.ts";
import { ticketRoutes } from "./tickets.ts";
import { tokenRoutes } from "./tokens.ts";
import { pageRoutes } from "./ui.ts";
import { webhookRoutes } from "./webhooks.ts";

/** The whole HTTP surface. Nothing listens yet. */
export function createServer(services: Services) {
  const { logger, isReady, refusals, telemetry } = services;
  const guard = new Guard({ ...services, rate: services.addressRate, onRefusal: (error) => refusals.note(error) });
  const routes = (): readonly Route[] => app.routes;
  const surround = (handle: Handle): Handle => {
    return (request) => {
      const guarded = guard.handler(handle, request);
      return telemetry ? telemetry.requests.follow(request, guarded) : guarded(request);
    };
  };
  /** By the handler of a route: Elysia asks with each request what is to be around it. */
  const surrounded = new Map<Handle, Handle>();
  const app = new Elysia({ normalize: false })
    // Around everything; Elysia's type of what it wraps is not that of what it calls.
    .wrap((handle) => surrounded.getOrInsertComputed(handle as unknown as Handle, surround))
    // First of all: without it Elysia shows an error's message to the client.
    .onError({ as: "global" }, ({ error, code, request, route }) => {
      if (code !== "NOT_FOUND") telemetry?.requests.route(request, route);
      if (code === "NOT_FOUND") return nothingHere(request, methodsAt(routes(), urlOf(request).pathname));
      const known = asMatricError(fromElysia(error), logger);
      refusals.note(known);
      return problemResponse(known);
    })
    .use(authHooks(services))
    .onBeforeHandle({ as: "global" }, ({ request, route }) => {
      telemetry?.requests.route(request, route);
      if (!isReady()) refuseWhileDraining(request.method, route);
    })
    // Before the others, since they read their bodies themselves.
    .use(mcpRoutes(services))
    .use(eventRoutes(services))
    .use(bodyHooks(services))
    .use(noteRoutes(services))
    .use(jobRoutes(services))
    .use(queueRoutes(services))
    .use(webhookRoutes(services))
    .use(socketRoutes(services))
    .use(ticketRoutes(services))
    .use(tokenRoutes(services))
    .use(healthRoutes(services))
    .use(backupRoutes(services))
    .use(pageRoutes())
    .use(docsRoutes(services, routes));
  if (telemetry) app.use(metricsRoutes(telemetry));
  return app;
}

/** What Elysia itself throws, in our words. */
function fromElysia(error: unknown): unknown {
  if (error instanceof MatricError) return error;
  if (error instanceof ParseError && error.cause instanceof MatricError) return error.cause;
  if (error instanceof ParseError) return new MatricError("malformed", "The body cannot be read.", {}, { cause: error });
  if (error instanceof ValidationError && error.value instanceof NoBody) return bodyMissing();
  if (error instanceof ValidationError)
    return mismatch(error.valueError, error.type === "body" ? "The body" : `The ${error.type}`);
  return error;
}

function nothingHere({ method }: Request, allowed: string[]): Response {
  if (allowed.length === 0) {
    return problemResponse(new MatricError("not_found", "There is nothing at this address; /swagger lists what there is."));
  }
  const message = `This address does not take ${method}; it takes ${allowed.join(", ")}.`;
  const response = problemResponse(new MatricError("method_not_allowed", message));
  response.headers.set("allow", allowed.join(", "));
  return response;
}
