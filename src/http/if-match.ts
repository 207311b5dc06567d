import { MatricError } from "../errors.ts";

/** One entity tag, or (as a kindness) a bare version; then a comma or the end. */
const element = /\s*(?:(W\/)?"([\x21\x23-\x7e\x80-\uffff]*)"|(\d+))?\s*(,|$)/y;

/** The entity tag of a note at a version. */
export function etagOf(version: number): string {
  return `"${version}"`;
}

/**
 * The version that a change must find, as `If-Match` says (RFC 9110, section 13.1.1); undefined for any. Of several versions the
 * one that `current` tells is taken. A weak tag, or one that is no version, never matches. Throws `version_conflict` when nothing
 * can match, `malformed` when the header cannot be read, and what `current` throws.
 */
export function expectedVersion(request: Request, current: () => number): number | undefined {
  const header = request.headers.get("if-match");
  if (header === null || header.trim() === "*") return undefined;
  const versions = versionsIn(header);
  const [first] = versions;
  if (versions.length === 1) return first;
  const version = current();
  if (versions.includes(version)) return version;
  const message = `The note is at version ${version} now, which If-Match does not name. Read it again and decide what to keep.`;
  throw new MatricError("version_conflict", message, { current_version: version });
}

/** Whether `If-None-Match` names the version, so that the client has it already (RFC 9110, section 13.1.2). */
export function isKnown(request: Request, version: number): boolean {
  const header = request.headers.get("if-none-match");
  if (header === null) return false;
  const tags = header.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags.includes(etagOf(version)) || header.trim() === "*";
}

function versionsIn(header: string): number[] {
  const versions: number[] = [];
  element.lastIndex = 0;
  while (element.lastIndex < header.length) {
    const match = element.exec(header);
    if (!match) {
      throw new MatricError(
        "malformed",
        'If-Match must be the ETag of the note, "3" with its quotes; several with commas; or *.',
      );
    }
    const [, weak, tag, bare] = match;
    const version = tag ?? bare ?? "";
    if (weak === undefined && /^[1-9]\d{0,14}$/.test(version)) versions.push(Number(version));
  }
  return versions;
}
