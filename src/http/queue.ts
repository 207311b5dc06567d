import { QueueStatus } from "../jobs/contract.ts";
import { actorOf } from "./actor.ts";
import { jsonText } from "./json.ts";
import { json, operation } from "./operation.ts";
import { plugin } from "./plugin.ts";
import type { Services } from "./services.ts";

const tag = "queue";
const answers = { 200: json("The queue as it is now", QueueStatus) };

/** The queue as a whole. */
export function queueRoutes({ jobs }: Services) {
  return plugin("queue")
    .get("/queue", () => jsonText(JSON.stringify(jobs.status())), {
      detail: operation({ id: "getQueue", tag, summary: "How many jobs wait and run", answers }),
    })
    .post("/queue/pause", async ({ request }) => jsonText(JSON.stringify(await jobs.pause(actorOf(request)))), {
      detail: operation({
        id: "pauseQueue",
        tag,
        summary: "Give out no more jobs",
        description: "What runs goes on. Pausing a paused queue changes nothing.",
        answers,
      }),
    })
    .post("/queue/resume", async ({ request }) => jsonText(JSON.stringify(await jobs.resume(actorOf(request)))), {
      detail: operation({ id: "resumeQueue", tag, summary: "Give out jobs again", answers }),
    });
}
