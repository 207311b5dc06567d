// Control characters can repaint a terminal, and direction marks can make a text look like another one.
const dangerous = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/**
 * Text of others, fit to be shown: what could steer a terminal is written out (`\u001b`). A `line` holds no line break or tab;
 * a `block` keeps both.
 */
export function printable(text: string, shape: "line" | "block" = "line"): string {
  const lines = shape === "block" ? text.replaceAll("\r\n", "\n") : text;
  return lines.replace(dangerous, (char) => {
    if (shape === "block" && (char === "\n" || char === "\t")) return char;
    if (char === "\n") return "\\n";
    if (char === "\t") return "\\t";
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
