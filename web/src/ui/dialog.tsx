/** A dialog over the page: the browser keeps the focus in it, closes it on Escape, and gives the focus back. */

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { CloseIcon } from "./icons";

export interface DialogProps {
  readonly title: string;
  /** Called when it closes, whatever closes it: whoever shows the dialog stops showing it then. */
  readonly onClose: () => void;
  readonly class?: string;
  /** Whether a click beside it closes it too. Default true; not where it would lose what somebody has written or must decide. */
  readonly closesBeside?: boolean;
  readonly children: ComponentChildren;
}

export function Dialog({ title, onClose, class: name, closesBeside = true, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const gone = useRef(false);
  const id = useId();
  useEffect(() => {
    const element = dialog.current!;
    const before = document.activeElement;
    element.showModal();
    // Where nothing is to be filled in, the title is where reading begins; a ring around the first button would say nothing.
    if (!element.querySelector("[autofocus]")) element.querySelector("h2")?.focus();
    return () => {
      gone.current = true;
      element.close();
      // A component that goes away takes its dialog along before the browser could give the focus back.
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, []);
  // A click beside the dialog is one on its backdrop, whose target is the dialog itself.
  const beside = (event: MouseEvent): void => {
    const element = dialog.current;
    if (!element || event.target !== element) return;
    const box = element.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside) element.close();
  };
  return (
    <dialog ref={dialog} class={name} aria-labelledby={id} onClose={() => gone.current || onClose()} onMouseDown={closesBeside ? beside : undefined}>
      <div class="head">
        <h2 id={id} tabIndex={-1}>{title}</h2>
        <button class="quiet icon" type="button" aria-label="Close" onClick={() => dialog.current?.close()}>
          <CloseIcon />
        </button>
      </div>
      <div class="body">{children}</div>
    </dialog>
  );
}
