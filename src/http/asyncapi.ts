import { type TSchema, Type } from "@sinclair/typebox";
import { catalog } from "../events/catalog.ts";
import { CustomEvent, eventSchemas } from "../events/event-schema.ts";
import { socketQuery, streamQuery } from "./event-query.ts";
import { type Json, plainSchema } from "./json-schema.ts";
import { socketAnswers } from "./socket-answer.ts";
import { socketMessages } from "./socket-message.ts";

interface Message {
  name: string;
  summary: string;
  payload: TSchema;
}

const Refresh = Type.Literal("refresh", { description: "The bare word, not JSON: asks for a QueueStatus" });

/** Words about one connection. */
const aboutConnection = ["ConnectionOpened", "StreamGap", "StreamClosing", "StreamCursor"];

const isStreamed = (name: string) => name in catalog || name === "QueueStatus" || aboutConnection.includes(name);
const described = Object.entries(eventSchemas).map(([name, payload]) => message(name, payload));
const events = [...described.filter(({ name }) => isStreamed(name)), message("CustomEvent", CustomEvent)];
/** No stream carries them: they are what the server's own log tells. */
const logged = described.filter(({ name }) => !isStreamed(name));
const requests = [
  ...Object.entries(socketMessages).map(([op, payload]) => message(`${capital(op)}Request`, payload)),
  message("Refresh", Refresh),
];
const answers = Object.entries(socketAnswers).map(([name, payload]) => message(name, payload));

/** The AsyncAPI document of the streams: every event, and what a WebSocket client can say. `host` is where the server is. */
export function asyncApiDocument(version: string, host: string): Json {
  return plainSchema({
    asyncapi: "3.0.0",
    info: {
      title: "matric streams",
      version,
      description:
        "Every event of the log, over server-sent events and WebSocket. The same JSON travels on both, to webhooks too. Fields may be added: ignore those you do not know.",
    },
    defaultContentType: "application/json",
    servers: {
      http: { host, protocol: "http", description: "Server-sent events, NDJSON and long polls" },
      ws: { host, protocol: "ws", description: "WebSocket" },
    },
    channels: {
      events: {
        address: "/api/v1/events",
        title: "Server-sent events",
        description:
          "A stream without end: ConnectionOpened, then what happened since the cursor, then what happens. It resumes with the header Last-Event-ID.",
        servers: [{ $ref: "#/servers/http" }],
        messages: references("components", events),
      },
      socket: {
        address: "/api/v1/ws",
        title: "WebSocket",
        description:
          "ConnectionOpened, then QueueStatus, then history (with `since`), then what happens. The client can change its filters.",
        servers: [{ $ref: "#/servers/ws" }],
        messages: references("components", [...events, ...requests, ...answers]),
        bindings: { ws: { method: "GET", query: socketQuery, bindingVersion: "0.1.0" } },
      },
    },
    operations: {
      streamEvents: {
        action: "send",
        channel: { $ref: "#/channels/events" },
        summary: "The server sends the events that the filter takes",
        messages: listed("events", events),
        bindings: { http: { method: "GET", query: streamQuery, bindingVersion: "0.3.0" } },
      },
      sendEvents: {
        action: "send",
        channel: { $ref: "#/channels/socket" },
        summary: "The server sends the events that a subscription takes, each once",
        messages: listed("socket", events),
      },
      receiveRequests: {
        action: "receive",
        channel: { $ref: "#/channels/socket" },
        summary: "The client subscribes, unsubscribes, asks whether the server is there, or signs in",
        messages: listed("socket", requests),
        reply: {
          channel: { $ref: "#/channels/socket" },
          messages: [...listed("socket", answers), { $ref: "#/channels/socket/messages/QueueStatus" }],
        },
      },
    },
    components: {
      messages: Object.fromEntries([...events, ...logged, ...requests, ...answers].map((one) => [one.name, documented(one)])),
    },
  });
}

function message(name: string, payload: TSchema): Message {
  return { name, summary: payload.description ?? name, payload };
}

function documented({ name, summary, payload }: Message) {
  return { name, title: name, summary, contentType: name === "Refresh" ? "text/plain" : "application/json", payload };
}

function references(at: string, messages: readonly Message[]) {
  return Object.fromEntries(messages.map(({ name }) => [name, { $ref: `#/${at}/messages/${name}` }]));
}

function listed(channel: string, messages: readonly Message[]) {
  return messages.map(({ name }) => ({ $ref: `#/channels/${channel}/messages/${name}` }));
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
