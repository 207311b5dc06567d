import { useRef, useState } from "preact/hooks";
import { catalog } from "../../../events/catalog.ts";
import type { CreatedWebhook } from "../../../webhooks/contract.ts";
import { usePage } from "../page.ts";
import { CopyButton } from "../shell/copy-button.tsx";
import { Dialog } from "../shell/dialog.tsx";
import { go } from "../shell/route.ts";
import { useAct } from "../shell/use-act.ts";

/** Asks for what a webhook needs, and shows its secret once. */
export function AddWebhook({ onClose }: { onClose: () => void }) {
  const { client, webhooks } = usePage();
  const form = useRef<HTMLFormElement>(null);
  const [created, setCreated] = useState<CreatedWebhook | undefined>(undefined);
  const [problem, setProblem] = useState("");
  const add = useAct(async () => {
    if (!form.current) return;
    const fields = new FormData(form.current);
    const field = (name: string) => String(fields.get(name) ?? "").trim();
    const [description, secret] = [field("description"), field("secret")];
    try {
      const webhook = await client.webhooks.create({
        url: field("url"),
        events: field("events")
          .split(/[\s,]+/)
          .filter(Boolean),
        ...(description === "" ? {} : { description }),
        ...(secret === "" ? {} : { secret }),
      });
      setCreated(webhook);
      webhooks.refresh();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  });
  if (created) {
    const done = () => {
      onClose();
      go({ view: "webhooks", webhookId: created.id });
    };
    return (
      <Dialog title="The webhook is added" onClose={done}>
        <p>Its receiver checks signatures with this secret. It is shown now and never again.</p>
        <p class="code" data-secret>
          {created.secret}
        </p>
        <div class="dialog-actions">
          <CopyButton label="Copy the secret" text={created.secret} />
          <button type="button" class="primary" onClick={done}>
            Done
          </button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title="Add a webhook" onClose={onClose}>
      <form
        ref={form}
        onSubmit={(event) => {
          event.preventDefault();
          void add(event);
        }}
      >
        <label>
          URL
          <input name="url" type="url" required placeholder="https://example.com/hook" />
        </label>
        <label>
          Events <span class="muted">(names, families like Job*, or * for all)</span>
          <input name="events" required defaultValue="*" list="webhook-events" />
        </label>
        <datalist id="webhook-events">
          {["*", "Note*", "Job*", ...Object.keys(catalog)].map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <label>
          Description <span class="muted">(optional)</span>
          <input name="description" maxLength={500} />
        </label>
        <label>
          Secret <span class="muted">(optional; one is made otherwise)</span>
          <input name="secret" autocomplete="off" maxLength={256} />
        </label>
        {problem && (
          <p class="job-error" role="alert">
            {problem}
          </p>
        )}
        <div class="dialog-actions">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary">
            Add
          </button>
        </div>
      </form>
    </Dialog>
  );
}
