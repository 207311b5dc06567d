import { usePage } from "../page.ts";
import { Icon } from "./icon.tsx";
import type { Toast } from "./toasts.ts";
import { useAct } from "./use-act.ts";

export function ToastArea() {
  const { toasts } = usePage();
  return (
    <div
      class="toasts"
      role="status"
      aria-label="Messages"
      onMouseEnter={() => toasts.hold()}
      onMouseLeave={() => toasts.release()}
      onFocusIn={() => toasts.hold()}
      onFocusOut={() => toasts.release()}
    >
      {toasts.items.value.map((toast) => (
        <ToastCard key={toast.key} toast={toast} />
      ))}
    </div>
  );
}

const icons = { info: "events", success: "check", problem: "warning" } as const;

function ToastCard({ toast: { key, kind, text, detail, action } }: { toast: Toast }) {
  const { toasts } = usePage();
  const act = useAct(async () => action?.run());
  return (
    <div class={`toast ${kind}`}>
      <Icon name={icons[kind]} />
      <p>
        <strong>{text}</strong>
        {detail && <span class="detail">{detail}</span>}
      </p>
      {action && (
        <button type="button" class="quiet" onClick={act}>
          {action.label}
        </button>
      )}
      <button type="button" class="plain square" aria-label="Close this message" onClick={() => toasts.dismiss(key)}>
        <Icon name="close" />
      </button>
    </div>
  );
}
