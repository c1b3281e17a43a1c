/** A button with a menu: arrows walk through it, letters jump, Escape and a click beside it close it. */

import type { ComponentChildren } from "preact";
import { useSignal } from "@preact/signals";
import { useId, useRef } from "preact/hooks";

export interface MenuProps {
  /** Name of the button, for those who do not see its icon. */
  readonly label: string;
  readonly icon: ComponentChildren;
  readonly class?: string;
  /** Buttons and links with `role="menuitem"`; each closes the menu. */
  readonly children: ComponentChildren;
}

const MARGIN_PX = 8;

export function Menu({ label, icon, class: name = "quiet icon", children }: MenuProps) {
  const button = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLDivElement>(null);
  // Filled while it is open: a list has a menu for each of its rows.
  const isOpen = useSignal(false);
  const id = useId();

  const items = (): HTMLElement[] => [...menu.current!.querySelectorAll<HTMLElement>("[role=menuitem]:not(:disabled)")];
  const toggled = (event: Pick<ToggleEvent, "newState">): void => {
    const open = event.newState === "open";
    button.current!.setAttribute("aria-expanded", String(open));
    if (!open) return void (isOpen.value = false);
    place(menu.current!, button.current!);
    items()[0]?.focus();
  };
  const walk = (event: KeyboardEvent): void => {
    const all = items();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key] ?? jump(event.key, all, at);
    if (event.key === "Tab") menu.current!.hidePopover();
    if (to === undefined) return;
    event.preventDefault();
    all[(to + all.length) % all.length]?.focus();
  };
  return (
    <>
      <button ref={button} class={name} type="button" aria-label={label} aria-haspopup="menu" aria-expanded="false" popovertarget={id}>
        {icon}
      </button>
      <div ref={menu} id={id} class="menu" role="menu" aria-label={label} popover="auto" onBeforeToggle={(event) => event.newState === "open" && (isOpen.value = true)} onToggle={toggled} onKeyDown={walk} onClick={() => menu.current!.hidePopover()}>
        {isOpen.value && children}
      </div>
    </>
  );
}

/** The next item that begins with a letter. */
function jump(key: string, items: readonly HTMLElement[], at: number): number | undefined {
  if (key.length !== 1 || key === " ") return undefined;
  const begins = (item: HTMLElement): boolean => item.textContent?.trim().toLowerCase().startsWith(key.toLowerCase()) ?? false;
  const after = items.findIndex((item, index) => index > at && begins(item));
  const found = after >= 0 ? after : items.findIndex(begins);
  return found >= 0 ? found : undefined;
}

/** Below the button, or above it where there is no room; its right edges aligned, within the window. */
function place(menu: HTMLElement, button: HTMLElement): void {
  const [at, { width, height }] = [button.getBoundingClientRect(), menu.getBoundingClientRect()];
  const left = Math.max(MARGIN_PX, Math.min(at.right - width, innerWidth - width - MARGIN_PX));
  const below = at.bottom + 4;
  const top = below + height + MARGIN_PX <= innerHeight ? below : Math.max(MARGIN_PX, at.top - height - 4);
  menu.style.left = `${left}px`;
  menu.style.top = `${top}px`;
}
