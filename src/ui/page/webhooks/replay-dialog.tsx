import { useRef, useState } from "preact/hooks";
import type { Replay, Webhook } from "../../../webhooks/contract.ts";
import { usePage } from "../page.ts";
import { Dialog } from "../shell/dialog.tsx";
import { onceClicked, useAct } from "../shell/use-act.ts";

/** Sends a span of the log again; says how much that is before it does. */
export function ReplayDialog({ webhook, onClose }: { webhook: Webhook; onClose: () => void }) {
  const { client, webhooks, toasts } = usePage();
  const form = useRef<HTMLFormElement>(null);
  const [counted, setCounted] = useState<Replay | undefined>(undefined);
  const [problem, setProblem] = useState("");
  const replay = useAct(async () => {
    if (!form.current) return;
    const isDry = counted === undefined;
    const fields = new FormData(form.current);
    setProblem("");
    try {
      const done = await client.webhooks.replay(webhook.id, {
        since: String(fields.get("since") ?? ""),
        only_failed: fields.get("only_failed") === "on",
        dry_run: isDry,
      });
      if (isDry) {
        setCounted(done);
        return;
      }
      onClose();
      webhooks.activity.value++;
      toasts.show({ key: `replay:${webhook.id}`, kind: "success", text: `${eventsOf(done)} on their way again` });
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  });
  return (
    <Dialog title="Send events again" onClose={onClose}>
      <form
        ref={form}
        onInput={() => setCounted(undefined)}
        onSubmit={(event) => {
          event.preventDefault();
          void replay(event);
        }}
      >
        <label>
          Since <span class="muted">(how long ago, a time, an event’s id, or earliest)</span>
          <input name="since" required defaultValue="1h" />
        </label>
        <label>
          <input type="checkbox" name="only_failed" /> Only what was given up
        </label>
        {problem && (
          <p class="job-error" role="alert">
            {problem}
          </p>
        )}
        {counted && (
          <p role="status">{counted.events === 0 ? "There is nothing to send." : `${eventsOf(counted)} would be sent.`}</p>
        )}
        <div class="dialog-actions">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={counted?.events === 0} onClick={onceClicked}>
            {counted === undefined ? "Count" : `Send ${eventsOf(counted)}`}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function eventsOf({ events }: Replay): string {
  return events === 1 ? "1 event" : `${events} events`;
}
