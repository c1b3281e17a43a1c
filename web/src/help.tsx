/** The help: every shortcut in force, by group, and what else a newcomer wants to know. */

import { signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import "./help.css";
import type { Shortcut } from "./keys";
import { MAC, shortcuts, useShortcuts } from "./keys";
import { Dialog } from "./ui/dialog";

const open = signal(false);
export const openHelp = (): void => void (open.value = true);

export function Help() {
  const keys = useMemo<readonly Shortcut[]>(() => [{ keys: "?", what: "Show these shortcuts", group: "Everywhere", repeats: false, run: openHelp }], []);
  useShortcuts(keys);
  if (!open.value) return null;
  return (
    <Dialog title="Keyboard shortcuts" class="help" onClose={() => (open.value = false)}>
      <div class="groups">
        {grouped(shortcuts.value).map(([group, list]) => (
          <section key={group}>
            <h3>{group}</h3>
            <dl>
              {list.map((one) => (
                <div key={one.what}>
                  <dt>{one.what}</dt>
                  <dd>
                    {one.keys.map((keys, index) => (
                      <>
                        {index > 0 && <span class="or">or</span>}
                        <Keys keys={keys} />
                      </>
                    ))}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <p class="hint">
        Music can be dropped anywhere on the page. What scripts can do is in the <a href="/docs">API reference</a>.
      </p>
    </Dialog>
  );
}

interface Line {
  readonly what: string;
  readonly keys: string[];
}

/** Shortcuts by group; keys that do the same share a line, and of two with the same keys the one that counts is listed. */
function grouped(list: readonly Shortcut[]): [string, Line[]][] {
  const groups = new Map<string, Line[]>();
  for (const one of list) {
    if (list.findLast((other) => other.keys === one.keys) !== one) continue;
    const lines = groups.get(one.group) ?? [];
    groups.set(one.group, lines);
    const line = lines.find(({ what }) => what === one.what);
    if (line) line.keys.push(one.keys);
    else lines.push({ what: one.what, keys: [one.keys] });
  }
  // What holds everywhere comes last: the page's own is what is looked for.
  return [...groups].sort(([a], [b]) => Number(a === "Everywhere") - Number(b === "Everywhere"));
}

const NAMES: Record<string, string> = {
  Mod: MAC ? "⌘" : "Ctrl", Alt: MAC ? "⌥" : "Alt", Shift: MAC ? "⇧" : "Shift", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓",
  Escape: "Esc", PageUp: "Page ↑", PageDown: "Page ↓",
};
/** Arrows are read out by name. */
const SPOKEN: Record<string, string> = { ArrowLeft: "Left arrow", ArrowRight: "Right arrow", ArrowUp: "Up arrow", ArrowDown: "Down arrow" };

function Keys({ keys }: { readonly keys: string }) {
  // The key itself may be a plus.
  const parts = keys.endsWith("+") ? [...keys.slice(0, -1).split("+").filter(Boolean), "+"] : keys.split("+");
  return (
    <span class="keys">
      {parts.map((part) => (
        <kbd key={part}>
          {SPOKEN[part] ? <><span aria-hidden="true">{NAMES[part]}</span><span class="hidden">{SPOKEN[part]}</span></> : (NAMES[part] ?? (part.length === 1 ? part.toUpperCase() : part))}
        </kbd>
      ))}
    </span>
  );
}
