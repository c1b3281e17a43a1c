/** What the window is called: the name of what it shows, then ours. */

import { useEffect } from "preact/hooks";

/** Names the window while a page is there. */
export function useTitle(name: string | undefined): void {
  useEffect(() => {
    document.title = name ? `${name} · Arsis` : "Arsis";
  }, [name]);
}
