import { usePage } from "../page.ts";
import { useTicking } from "./now.ts";

/** How this page hears from the server: live, coming back in n seconds, or cut off. */
export function ConnectionState() {
  const { feed } = usePage();
  const { value: state } = feed.state;
  const isWaiting = state.state === "waiting";
  useTicking(250, isWaiting);
  const { kind, text, hint } = describe();
  return (
    <button
      type="button"
      class={`connection ${kind}`}
      title={hint}
      aria-label={`Connection: ${text}. ${hint}`}
      onClick={() => feed.retryNow()}
      disabled={kind === "live"}
    >
      <span class="dot" />
      <span class="wide-only">{text}</span>
    </button>
  );

  function describe(): { kind: "live" | "waiting" | "offline"; text: string; hint: string } {
    if (state.state === "live") {
      const tabs = feed.tabs.value;
      const via = state.transport === "ws" ? "WebSocket" : "Server-Sent Events";
      return { kind: "live", text: "Live", hint: `By ${via}${tabs > 1 ? `, shared by ${tabs} tabs` : ""}.` };
    }
    if (!feed.isOnline.value)
      return { kind: "offline", text: "Offline", hint: "This device has no network. Click to try all the same." };
    if (state.state === "refused") return { kind: "offline", text: "Refused", hint: `${state.message} Click to try again.` };
    if (state.state === "connecting")
      return { kind: "waiting", text: "Connecting…", hint: "What happened meanwhile will appear." };
    const seconds = Math.max(0, Math.ceil((state.untilMs - Date.now()) / 1000));
    const text = seconds > 0 ? `Reconnecting in ${seconds} s` : "Reconnecting…";
    return { kind: "waiting", text, hint: "What happened meanwhile will appear. Click to try now." };
  }
}
