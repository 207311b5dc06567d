import type { TapeEvent } from "./log-tail.ts";

/**
 * What was typed into the filter: words that must all be found. One with a capital or a star is the name of an event (`NoteUpdated`,
 * `Job*`), any other occurs anywhere in the event: an id, a source, a number.
 */
export function eventFilter(typed: string): (event: TapeEvent) => boolean {
  const words = typed.split(/[\s,]+/).filter((word) => word !== "");
  const tests = words.map((word) => {
    if (!/^[A-Z*]/.test(word)) return ({ text }: TapeEvent) => text.includes(word);
    const name = new RegExp(`^${word.split("*").map(literally).join(".*")}`, "i");
    return (event: TapeEvent) => name.test(event.name);
  });
  return (event) => tests.every((test) => test(event));
}

function literally(text: string): string {
  return text.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
}
