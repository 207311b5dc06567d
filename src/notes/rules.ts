import { invalid, tooLarge } from "../errors.ts";
import { tagCharsMax, tagsMax, titleCharsMax } from "./contract.ts";

// A title or tag is shown in terminals, lists and headings: no line break, no escape sequence.
const control = /\p{Cc}/u;

/** The title as it is stored. Throws `invalid`. */
export function acceptTitle(title: string): string {
  const trimmed = title.trim();
  refuseUnstorable("title", trimmed);
  if (trimmed === "") throw invalid("title", "title must not be empty.");
  if (control.test(trimmed)) throw invalid("title", "title must be one line without control characters.");
  if (trimmed.length > titleCharsMax) {
    throw invalid("title", `title must have at most ${titleCharsMax} characters, not ${trimmed.length}.`);
  }
  return trimmed;
}

/** The content as it is stored: unchanged. Throws `invalid` or `too_large`. */
export function acceptContent(content: string, bytesMax: number): string {
  refuseUnstorable("content", content);
  const bytes = Buffer.byteLength(content);
  if (bytes > bytesMax) throw tooLarge("content", bytes, bytesMax);
  return content;
}

/** The tags as they are stored: trimmed, NFC, each once, in order. Throws `invalid` that names the tag by its index. */
export function acceptTags(tags: readonly string[]): string[] {
  const accepted = new Set(tags.map((tag, index) => acceptTag(`tags.${index}`, tag)));
  if (accepted.size > tagsMax) throw invalid("tags", `tags must be at most ${tagsMax}, not ${accepted.size}.`);
  return [...accepted];
}

/** How a tag is spelled in the database. */
export function canonicalTag(tag: string): string {
  return tag.trim().normalize("NFC");
}

function acceptTag(field: string, tag: string): string {
  const canonical = canonicalTag(tag);
  refuseUnstorable(field, canonical);
  if (canonical === "") throw invalid(field, `${field} must not be empty.`);
  if (control.test(canonical)) throw invalid(field, `${field} must be one line without control characters.`);
  if (canonical.length > tagCharsMax) {
    throw invalid(field, `${field} must have at most ${tagCharsMax} characters, not ${canonical.length}.`);
  }
  return canonical;
}

/** SQLite ends a text at NUL in places, and a lone surrogate has no UTF-8: neither would come back as it was sent. */
function refuseUnstorable(field: string, value: string): void {
  if (value.includes("\0")) throw invalid(field, `${field} must not contain the NUL character.`);
  if (!value.isWellFormed()) throw invalid(field, `${field} must be valid Unicode; it contains half of a surrogate pair.`);
}
