import { type Static, Type } from "@sinclair/typebox";
import { QueueStatus } from "../jobs/contract.ts";
import type { Api } from "./api.ts";

export const Health = Type.Object({
  status: Type.String({ description: "`ok`, or `draining` while shutting down" }),
  version: Type.String(),
  uptime_seconds: Type.Number(),
  log: Type.Object({ head: Type.String(), oldest: Type.String(), epoch: Type.String() }),
  queue: QueueStatus,
  connections: Type.Record(Type.String(), Type.Integer()),
});
export type Health = Static<typeof Health>;

const Connection = Type.Object({ id: Type.String(), transport: Type.String(), cursor: Type.String(), lag: Type.Integer() });
const Connections = Type.Object({ items: Type.Array(Connection) });
export type Connection = Static<typeof Connection>;

/** The server itself. */
export class ServerApi {
  constructor(private readonly api: Api) {}

  health(signal?: AbortSignal): Promise<Health> {
    return this.api.json("GET", "health", Health, { signal });
  }

  /** Who listens now. */
  async connections(signal?: AbortSignal): Promise<Connection[]> {
    return (await this.api.json("GET", "api/v1/connections", Connections, { signal })).items;
  }
}
