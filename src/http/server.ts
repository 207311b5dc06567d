import { Elysia, ParseError, ValidationError } from "elysia";
import { invalid, MatricError } from "../errors.ts";
import { readJson } from "./body.ts";
import { eventRoutes } from "./events.ts";
import { healthRoutes } from "./health.ts";
import { asMatricError, problemResponse } from "./problem.ts";
import type { Services } from "./services.ts";
import { socketHandler } from "./socket.ts";
import { socketRoutes } from "./socket-route.ts";

/** The whole HTTP surface. Nothing listens yet. */
export function createServer(services: Services) {
  const { config, logger } = services;
  return (
    new Elysia({ normalize: false })
      // First of all: without it Elysia shows an error's message to the client.
      .onError({ as: "global" }, ({ error, code }) => problemResponse(asMatricError(fromElysia(error, code), logger)))
      .onParse({ as: "global" }, ({ request }) => readJson(request, config.bodyBytesMax))
      .use(eventRoutes(services))
      .use(socketRoutes(services))
      .use(healthRoutes(services))
  );
}

/** Starts to listen; a port that is taken is refused clearly. Returns where the server can be reached. */
export function listen(app: ReturnType<typeof createServer>, services: Services): URL {
  const { config, clock, log, hub, logger, connections, queueStatus } = services;
  const websocket = socketHandler(
    {
      log,
      hub,
      clock,
      logger,
      connections,
      queueStatus,
      pingMs: config.wsPingSeconds * 1000,
      pongTimeoutMs: config.wsPongTimeoutSeconds * 1000,
      slowMs: config.slowSeconds * 1000,
      subscriptionsMax: config.subscriptionsMax,
    },
    config.wsMessageBytesMax,
  );
  try {
    app.listen({
      hostname: config.host,
      port: config.port,
      // Two servers on one port would share its clients in silence.
      reusePort: false,
      development: false,
      idleTimeout: 30,
      // Our own limit answers with a problem; Bun's would close with an empty 413.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      websocket,
    });
  } catch (cause) {
    throw new MatricError(
      "address_in_use",
      `The server cannot listen on ${config.host} port ${config.port}: ${cause instanceof Error ? cause.message : cause}. Choose another port with --port.`,
      {},
      { cause },
    );
  }
  if (!app.server) throw new Error("Elysia did not start a server");
  return app.server.url;
}

/** What Elysia itself throws, in our words. */
function fromElysia(error: unknown, code: unknown): unknown {
  if (error instanceof MatricError) return error;
  if (error instanceof ParseError && error.cause instanceof MatricError) return error.cause;
  if (error instanceof ParseError) return new MatricError("malformed", "The body cannot be read.", {}, { cause: error });
  if (error instanceof ValidationError) return fromValidation(error);
  if (code === "NOT_FOUND")
    return new MatricError("not_found", "There is nothing at this address; /swagger lists what there is.");
  return error;
}

function fromValidation(error: ValidationError): MatricError {
  const first = error.valueError;
  const path = (first?.path ?? "").slice(1).replaceAll("/", ".");
  const where = error.type === "body" ? "The body" : `The ${error.type}`;
  const said = first?.schema.error;
  return invalid(path, `${path === "" ? where : path}: ${typeof said === "string" ? said : (first?.message ?? "is not valid")}.`);
}
