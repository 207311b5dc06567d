import { signal } from "@preact/signals";
import { Icon } from "./icon.tsx";

const themes = ["auto", "light", "dark"] as const;
type Theme = (typeof themes)[number];

const key = "matric:theme";
const theme = signal<Theme>(themes.find((one) => one === localStorage.getItem(key)) ?? "auto");

const icons = { auto: "auto", light: "sun", dark: "moon" } as const;

/** Light, dark, or as the system says. */
export function ThemeButton() {
  const choose = () => {
    const next = after(theme.peek());
    theme.value = next;
    localStorage.setItem(key, next);
    if (next === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
  };
  const label = `Theme: ${theme.value}. Switch to ${after(theme.value)}`;
  return (
    <button type="button" class="plain square" title={label} aria-label={label} onClick={choose}>
      <Icon name={icons[theme.value]} />
    </button>
  );
}

function after(one: Theme): Theme {
  return themes[(themes.indexOf(one) + 1) % themes.length] ?? "auto";
}
