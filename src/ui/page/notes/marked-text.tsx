import type { Mark } from "./text-diff.ts";

/** A text with what differs marked: by a background and, for those who do not see it, by an element that says so. */
export function MarkedText({ marks, as }: { marks: readonly Mark[]; as: "ins" | "del" }) {
  const Changed = as;
  return (
    <span class="diff-text">
      {marks.map(({ text, isChanged }, index) => (isChanged ? <Changed key={index}>{text}</Changed> : text))}
    </span>
  );
}

const contextLines = 2;

/** Lines that are the same; the middle of many is left out. */
export function SameLines({ lines, isFirst, isLast }: { lines: readonly string[]; isFirst: boolean; isLast: boolean }) {
  const head = isFirst ? 0 : contextLines;
  const tail = isLast ? 0 : contextLines;
  const hidden = lines.length - head - tail;
  if (hidden < 3) return <Lines lines={lines} />;
  return (
    <>
      {head > 0 && <Lines lines={lines.slice(0, head)} />}
      <details class="skipped">
        <summary>{hidden} lines that are the same</summary>
        <Lines lines={lines.slice(head, lines.length - tail)} />
      </details>
      {tail > 0 && <Lines lines={lines.slice(-tail)} />}
    </>
  );
}

/** Ends with a line break, without which an empty last line would not be seen. */
function Lines({ lines }: { lines: readonly string[] }) {
  return <span class="diff-text">{`${lines.join("\n")}\n`}</span>;
}
