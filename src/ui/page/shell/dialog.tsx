import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { Icon } from "./icon.tsx";

interface DialogProps {
  title: string;
  children: ComponentChildren;
  onClose: () => void;
  isWide?: boolean;
}

/** Something to decide before going on. Escape closes it, and the focus returns to where it was. */
export function Dialog({ title, children, onClose, isWide }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  // Before it is seen: what is typed from now on is not meant for what lies below.
  useLayoutEffect(() => {
    const { current } = dialog;
    current?.showModal();
    // The browser itself gives the focus back to where it was.
    return () => current?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      class={isWide ? "wide" : ""}
      aria-labelledby={heading}
      onCancel={(event) => {
        // It stays until it is painted away: if it is wanted again before, it is there.
        event.preventDefault();
        onClose();
      }}
    >
      <header class="dialog-head">
        <h2 id={heading}>{title}</h2>
        <button type="button" class="plain square" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      {children}
    </dialog>
  );
}
