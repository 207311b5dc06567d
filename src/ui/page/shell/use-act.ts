import { useRef } from "preact/hooks";

/**
 * For what has the server do something: one at a time, and once for a double click, whose second half may meet what has taken the
 * place of the first ("Retry" that of "Cancel"), and for a key that is held down. Of clicks that follow each other closely in one
 * place only the first counts: nobody has read what came there in between.
 */
export function useAct(act: () => Promise<unknown>): (event: Event) => Promise<void> {
  const isActing = useRef(false);
  return async (event) => {
    if (isActing.current || isRepeated(event)) return;
    isActing.current = true;
    try {
      await act();
    } finally {
      isActing.current = false;
    }
  };
}

/** For a button that submits a form: the second half of a double click submits nothing. */
export function onceClicked(event: MouseEvent): void {
  if (isRepeated(event)) event.preventDefault();
}

/** Enter that is held down would click a button, or submit a form, again and again; those clicks cannot be told from others. */
export function pressEnterOnce(): void {
  const refuse = (event: KeyboardEvent) => {
    // What has the focus may be in the editor, which takes Enter as often as it comes.
    const [focused] = event.composedPath();
    const isClick = focused instanceof HTMLButtonElement || focused instanceof HTMLInputElement;
    if (event.key === "Enter" && event.repeat && isClick) event.preventDefault();
  };
  addEventListener("keydown", refuse, { capture: true });
}

function isRepeated(event: Event): boolean {
  return (event instanceof MouseEvent && event.detail > 1) || (event instanceof KeyboardEvent && event.repeat);
}
