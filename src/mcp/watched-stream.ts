import type { Cancel, Clock } from "../clock.ts";

export interface WatchOptions {
  clock: Clock;
  /** A client that takes nothing of what it was sent for so long is cut off. */
  stalledMs: number;
  /** The stream is over, whoever ended it. Called once. */
  onEnd: () => void;
}

/**
 * The same response, whose stream ends when its client no longer takes anything: what the SDK has to say is queued without
 * bound. Keep-alives make sure that there is always something to take.
 */
export function watchedStream(response: Response, { clock, stalledMs, onEnd }: WatchOptions): Response {
  if (!response.body) {
    onEnd();
    return response;
  }
  const reader = response.body.getReader();
  let cancelStalled: Cancel = () => {};
  let isOver = false;
  const end = () => {
    cancelStalled();
    if (isOver) return;
    isOver = true;
    onEnd();
  };
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        cancelStalled();
        const { done, value } = await reader.read();
        if (done) {
          end();
          controller.close();
          return;
        }
        controller.enqueue(value);
        cancelStalled = clock.after(stalledMs, () => {
          end();
          reader.cancel().catch(() => {});
          controller.error(new Error("the client takes nothing"));
        });
      },
      cancel(reason) {
        end();
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { status: response.status, headers: response.headers });
}
