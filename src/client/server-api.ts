import { type Static, Type } from "@sinclair/typebox";
import { Health } from "../health.ts";
import type { Api } from "./api.ts";

const Connection = Type.Object({ id: Type.String(), transport: Type.String(), cursor: Type.String(), lag: Type.Integer() });
const Connections = Type.Object({ items: Type.Array(Connection) });
export type Connection = Static<typeof Connection>;

/** Whoever asks wants to know whether the server is well; one that takes longer to say so is not. */
const healthTimeoutMs = 5000;
/** The server copies first and sends then; a large database takes its time. */
const backupTimeoutMs = 60 * 60_000;

/** The server itself. */
export class ServerApi {
  constructor(private readonly api: Api) {}

  health(signal?: AbortSignal): Promise<Health> {
    return this.api.json("GET", "health", Health, { signal, timeoutMs: healthTimeoutMs });
  }

  /** Who listens now. */
  async connections(signal?: AbortSignal): Promise<Connection[]> {
    return (await this.api.json("GET", "api/v1/connections", Connections, { signal })).items;
  }

  /** A consistent copy of the whole database. */
  backup(signal?: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    return this.api.download("api/v1/backup", { signal, timeoutMs: backupTimeoutMs });
  }
}
