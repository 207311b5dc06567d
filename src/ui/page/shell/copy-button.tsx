import { usePage } from "../page.ts";
import { Icon } from "./icon.tsx";

/** Puts a text into the clipboard. */
export function CopyButton({ label, text }: { label: string; text: string }) {
  const { toasts } = usePage();
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      toasts.show({
        key: "copied",
        kind: "success",
        text: "Copied",
        detail: text.length > 120 ? `${text.slice(0, 120)}…` : text,
      });
    } catch (error) {
      toasts.problem("The browser does not let this page copy", error);
    }
  };
  return (
    <button type="button" class="quiet" onClick={copy}>
      <Icon name="copy" />
      <span>{label}</span>
    </button>
  );
}
