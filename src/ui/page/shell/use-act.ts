import { useRef } from "preact/hooks";

/**
 * For what has the server do something: one at a time, and once for a double click, whose second half may meet the button that has
 * taken the place of the first ("Retry" that of "Cancel"), and for a key that is held down.
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

function isRepeated(event: Event): boolean {
  return (event instanceof MouseEvent && event.detail > 1) || (event instanceof KeyboardEvent && event.repeat);
}

/** For a button that submits a form: the second half of a double click submits nothing. */
export function onceClicked(event: MouseEvent): void {
  if (isRepeated(event)) event.preventDefault();
}
