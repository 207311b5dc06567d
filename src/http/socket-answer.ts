import { type Static, Type } from "@sinclair/typebox";
import { Ref } from "./socket-message.ts";

const Names = Type.Array(Type.String());

export const Subscribed = Type.Object(
  {
    op: Type.Literal("subscribe"),
    ref: Ref,
    cursor: Type.String({ description: "Events after this one follow" }),
    topics: Names,
    events: Names,
    note_id: Names,
    job_id: Names,
  },
  { description: "The filter that was added, as it was understood" },
);
export const Unsubscribed = Type.Object({ op: Type.Literal("unsubscribe"), ref: Ref }, { description: "The filter is gone" });
export const Pong = Type.Object({ op: Type.Literal("pong"), ref: Ref }, { description: "The answer to a ping" });
const Expiry = Type.String({ format: "date-time" });
export const Authenticated = Type.Object(
  { op: Type.Literal("auth"), ref: Ref, expires_at: Type.Optional(Expiry) },
  { description: "The token is accepted; it is told when it expires" },
);
export const AuthExpiring = Type.Object(
  { op: Type.Literal("auth_expiring"), ref: Ref, expires_at: Expiry },
  { description: "The token expires within a minute: show another one, or the connection is closed then" },
);
export const Refused = Type.Object(
  {
    op: Type.Literal("error"),
    ref: Ref,
    code: Type.String({ description: "Stable, as in the problems of the HTTP interface" }),
    detail: Type.String({ description: "What is wrong with the message" }),
    field: Type.Optional(Type.String({ description: "The field that is wrong" })),
    limit: Type.Optional(Type.String({ description: "The limit that was reached" })),
  },
  { description: "A message that was refused; the connection lives on" },
);

/** What the server answers to a client's message, to that client alone. */
export const socketAnswers = { Subscribed, Unsubscribed, Pong, Authenticated, AuthExpiring, Refused };
export type SocketAnswer = Static<(typeof socketAnswers)[keyof typeof socketAnswers]>;
