/** Keyboard shortcuts: each is said once, where it is handled, and the help lists those in force. */

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

export interface Shortcut {
  /** `Space`, `ArrowLeft`, `Shift+ArrowLeft`, `Mod+z` (Ctrl, on a Mac ⌘), or a character such as `+` or `?`. */
  readonly keys: string;
  /** What it does, for the help. */
  readonly what: string;
  /** Heading in the help. */
  readonly group: string;
  /** Whether holding the key down repeats it. Default true. */
  readonly repeats?: boolean;
  readonly run: (event: KeyboardEvent) => void;
}

/** Those in force; of two with the same keys the later one wins. */
export const shortcuts = signal<readonly Shortcut[]>([]);

/** Puts shortcuts in force while a component is there. `list` must be stable: make it outside of the component, or memoise it. */
export function useShortcuts(list: readonly Shortcut[]): void {
  useEffect(() => {
    shortcuts.value = [...shortcuts.peek(), ...list];
    return () => {
      shortcuts.value = shortcuts.peek().filter((one) => !list.includes(one));
    };
  }, [list]);
}

export const MAC = /Mac|iPhone|iPad/.test(navigator.platform);

/** The name of what was pressed, as `Shortcut.keys` has it. */
export function nameOf(event: KeyboardEvent): string {
  const key = event.key === " " ? "Space" : event.key;
  // On many layouts some characters are typed with AltGr, which Windows tells as Ctrl and Alt, or with Option: these are part of the character.
  const isTyped = key.length === 1 && event.getModifierState("AltGraph");
  const mod = (MAC ? event.metaKey : event.ctrlKey && !isTyped) ? "Mod+" : "";
  const alt = event.altKey && !isTyped && !(MAC && key.length === 1) ? "Alt+" : "";
  // A character already says whether Shift made it.
  const shift = event.shiftKey && (key.length > 1 || mod) ? "Shift+" : "";
  return mod + alt + shift + (key.length === 1 ? key.toLowerCase() : key);
}

/** Where keys mean text or belong to the control that has the focus. */
function isTaken(event: KeyboardEvent, keys: string): boolean {
  const at = event.target instanceof Element ? event.target : null;
  if (document.querySelector("dialog[open], [popover]:popover-open")) return true;
  if (!at) return false;
  if (at.closest("input:not([type=range]):not([type=checkbox]), textarea, select, [contenteditable=true]")) return true;
  if ((keys === "Space" || keys === "Enter") && at.closest("button, a, summary, [role=button], [role=tab], input:not([type=range])")) return true;
  if (PAGING.has(keys) && scrolls(at)) return true;
  return (keys.includes("Arrow") || PAGING.has(keys)) && at.closest("input, [role=slider], [role=tablist], [role=listbox]") !== null;
}

const PAGING = new Set(["PageUp", "PageDown", "Home", "End"]);

/** Whether it is in something that scrolls for itself, as a list in a panel does. */
function scrolls(at: Element): boolean {
  for (let box: Element | null = at; box && box !== document.body; box = box.parentElement) {
    if (box.scrollHeight > box.clientHeight && /auto|scroll/.test(getComputedStyle(box).overflowY)) return true;
  }
  return false;
}

addEventListener("keydown", (event) => {
  const keys = nameOf(event);
  if (event.defaultPrevented || isTaken(event, keys)) return;
  const found = shortcuts.peek().findLast((one) => one.keys === keys);
  if (!found || (event.repeat && found.repeats === false)) return;
  event.preventDefault();
  found.run(event);
});
