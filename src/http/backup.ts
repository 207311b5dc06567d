import { rm } from "node:fs/promises";
import { Type } from "@sinclair/typebox";
import type { BackupAnswer } from "../db/backup-thread.ts";
import { temporaryCopyIn } from "../db/temporary-copy.ts";
import { MatricError } from "../errors.ts";
import { operation } from "./operation.ts";
import { plugin } from "./plugin.ts";
import { securityHeaders } from "./security-headers.ts";
import type { Services } from "./services.ts";

/** As with the other threads: the binary holds its code under its path in the source tree. */
const threadUrl = new URL(Bun.isStandaloneExecutable ? "./src/db/backup-thread.js" : "../db/backup-thread.ts", import.meta.url);

/** A copy of everything, taken while the server runs. */
export function backupRoutes({ config }: Services) {
  return plugin("backup").get(
    "/backup",
    async ({ request, server }) => {
      const headers = {
        ...securityHeaders,
        "content-type": "application/vnd.sqlite3",
        "content-disposition": 'attachment; filename="matric.db"',
        "cache-control": "no-store",
      };
      // Nobody would read it, and so nobody take it away.
      if (request.method === "HEAD") return new Response(null, { headers });
      server?.timeout(request, 0);
      const copy = temporaryCopyIn(config.dataDir);
      const remove = () => void rm(copy, { force: true });
      await takeCopy(config.dataDir, copy);
      const body = Bun.file(copy)
        .stream()
        .pipeThrough(new TransformStream({ flush: remove }));
      // Whoever left while the copy was made is not told of it any more.
      if (request.signal.aborted) remove();
      request.signal.addEventListener("abort", remove);
      return new Response(body, { headers });
    },
    {
      detail: operation({
        id: "backUp",
        tag: "operations",
        summary: "A consistent copy of the whole database",
        description: "Restore it with `matric restore`.",
        answers: {
          200: { description: "The database", content: { "application/vnd.sqlite3": Type.String({ format: "binary" }) } },
        },
      }),
    },
  );
}

function takeCopy(dataDir: string, target: string): Promise<void> {
  const thread = new Worker(threadUrl);
  return new Promise<void>((resolve, reject) => {
    thread.onerror = (event) => reject(new Error(`the backup thread failed: ${event.message}`));
    thread.onmessage = ({ data }: MessageEvent<BackupAnswer>) =>
      data.problem ? reject(new MatricError(data.problem.code, data.problem.message)) : resolve();
    thread.postMessage({ dataDir, target });
  }).finally(() => thread.terminate());
}
