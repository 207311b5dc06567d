import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

interface VirtualListProps<Item> {
  items: readonly Item[];
  keyOf: (item: Item) => string;
  rowHeightPx: number;
  label: string;
  /** Of all the rows' links or buttons one has the `tabIndex` 0: Tab enters and leaves the list with one step. */
  render: (item: Item, tabIndex: 0 | -1) => ComponentChildren;
  /** Called with the items that can be seen, after every change of them. */
  onSee?: (items: readonly Item[]) => void;
  /** The end of the list is near. */
  onEnd?: () => void;
  /** Items come at the top all the time: what is read stays where it is, unless the list stands at its very top. */
  isGrowing?: boolean;
}

const overscanRows = 6;

/** A list of any length, of which only the rows in sight exist. The arrow keys move from row to row. */
export function VirtualList<Item>({ items, keyOf, rowHeightPx, label, render, onSee, onEnd, isGrowing }: VirtualListProps<Item>) {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 800 });
  const anchor = useRef<{ key: string; top: number } | undefined>(undefined);
  const [focusedKey, setFocusedKey] = useState<string>();
  /** Where the keys lead, while the row there does not exist yet. */
  const goal = useRef<number | undefined>(undefined);

  const first = Math.max(0, Math.floor(view.top / rowHeightPx) - overscanRows);
  const last = Math.min(items.length, Math.ceil((view.top + view.height) / rowHeightPx) + overscanRows);
  const shown = items.slice(first, last);
  const tabStop = first + Math.max(0, focusedKey === undefined ? 0 : shown.findIndex((item) => keyOf(item) === focusedKey));

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = () => setView({ top: element.scrollTop, height: element.clientHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element || !isGrowing) return;
    const { current: before } = anchor;
    if (before && before.top > 0) {
      const index = items.findIndex((item) => keyOf(item) === before.key);
      const top = index * rowHeightPx + (before.top % rowHeightPx);
      if (index >= 0 && Math.abs(top - element.scrollTop) >= 1) element.scrollTop = top;
    }
    remember(element.scrollTop);
  }, [items]);

  const firstKey = shown[0] === undefined ? "" : keyOf(shown[0]);
  useLayoutEffect(() => onSee?.(shown), [firstKey, shown.length, items]);

  function remember(top: number): void {
    const item = items[Math.floor(top / rowHeightPx)];
    anchor.current = item === undefined ? undefined : { key: keyOf(item), top };
  }

  function scrolled(): void {
    const element = box.current;
    if (!element) return;
    remember(element.scrollTop);
    setView({ top: element.scrollTop, height: element.clientHeight });
    if (element.scrollHeight - element.scrollTop - element.clientHeight < rowHeightPx * 20) onEnd?.();
  }

  function moved(event: KeyboardEvent): void {
    const step = steps[event.key];
    const element = box.current;
    // Asked of the document: keys can be faster than the next rendering.
    const from = goal.current ?? rowOf(event.target);
    if (step === undefined || !element || from === undefined) return;
    event.preventDefault();
    const index = Math.min(Math.max(0, from + step(view.height / rowHeightPx)), items.length - 1);
    if (index * rowHeightPx < element.scrollTop) element.scrollTop = index * rowHeightPx;
    const overBy = (index + 1) * rowHeightPx - element.scrollTop - element.clientHeight;
    if (overBy > 0) element.scrollTop += overBy;
    if (focusIn(element, index)) return;
    goal.current = index;
    // The row exists after the next painting.
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        if (goal.current !== index) return;
        goal.current = undefined;
        focusIn(element, index);
      }),
    );
  }

  return (
    <div class="scroll virtual" ref={box} onScroll={scrolled}>
      <ul class="extent" aria-label={label} onKeyDown={moved} style={{ height: `${items.length * rowHeightPx}px` }}>
        {shown.map((item, offset) => {
          const index = first + offset;
          return (
            <li
              key={keyOf(item)}
              class="slot"
              data-index={index}
              aria-setsize={items.length}
              aria-posinset={index + 1}
              style={{ height: `${rowHeightPx}px`, transform: `translateY(${index * rowHeightPx}px)` }}
              onFocusIn={() => {
                goal.current = undefined;
                setFocusedKey(keyOf(item));
              }}
            >
              {render(item, index === tabStop ? 0 : -1)}
            </li>
          );
        })}
      </ul>
    </div>
  );
}

/** How far a key moves, in rows. */
const steps: Record<string, (rowsInSight: number) => number> = {
  ArrowDown: () => 1,
  ArrowUp: () => -1,
  PageDown: (rows) => Math.floor(rows),
  PageUp: (rows) => -Math.floor(rows),
  Home: () => Number.NEGATIVE_INFINITY,
  End: () => Number.POSITIVE_INFINITY,
};

function rowOf(target: EventTarget | null): number | undefined {
  const row = target instanceof Element ? target.closest<HTMLElement>("[data-index]") : null;
  return row === null ? undefined : Number(row.dataset.index);
}

function focusIn(box: HTMLElement, index: number): boolean {
  const row = box.querySelector<HTMLElement>(`[data-index="${index}"] :is(a, button)`);
  row?.focus();
  return row !== null;
}
