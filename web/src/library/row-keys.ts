/** The list by keyboard. */

import { useMemo } from "preact/hooks";
import type { Shortcut } from "../keys";
import { useShortcuts } from "../keys";

/** What is open over the list: a dialog about one track. */
export interface Asked {
  readonly what: "edit" | "delete";
  readonly id: string;
}

/** Arrows walk through the tracks; what else keys do is done to the one that has the focus. */
export function useRowKeys(ask: (asked: Asked) => void): void {
  const keys = useMemo<readonly Shortcut[]>(() => {
    const group = "Library";
    const onRow = (what: Asked["what"]) => (): void => {
      const id = document.activeElement?.closest<HTMLElement>("[data-track]")?.dataset["track"];
      if (id) ask({ what, id });
    };
    return [
      { keys: "ArrowDown", what: "Next track", group, run: () => step(1) },
      { keys: "ArrowUp", what: "Track before", group, run: () => step(-1) },
      { keys: "e", what: "Edit the track that has the focus", group, repeats: false, run: onRow("edit") },
      { keys: "Delete", what: "Delete it, after asking", group, repeats: false, run: onRow("delete") },
    ];
  }, []);
  useShortcuts(keys);
}

/** Moves the focus by one track; from elsewhere, to the first that is seen. */
export function step(by: 1 | -1): void {
  const links = [...document.querySelectorAll<HTMLElement>(".tracks [data-track] .name a")];
  const row = document.activeElement?.closest("[data-track]");
  const at = row ? links.findIndex((link) => row.contains(link)) : -1;
  const next = at < 0 ? links.find((link) => link.getBoundingClientRect().top > 0) : links[at + by];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}
