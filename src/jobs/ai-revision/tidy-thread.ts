import { tidyMarkdown } from "./tidy-markdown.ts";

// An entry point of its own: runs in a thread of `TidyReviser`, takes one text at a time and answers with the tidied one.

/** `problem` when the library gave up, on a text that is nested too deeply for one. */
export type TidyAnswer = { tidied: string } | { problem: string };

declare const self: Worker;

self.onmessage = ({ data }: MessageEvent<string>) => self.postMessage(answer(data));

function answer(text: string): TidyAnswer {
  try {
    return { tidied: tidyMarkdown(text) };
  } catch (error) {
    return { problem: String(error) };
  }
}
