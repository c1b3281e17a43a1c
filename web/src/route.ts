/** Which page the address names. */

import { computed, signal } from "@preact/signals";

export type Route = { readonly page: "library" } | { readonly page: "track"; readonly trackId: string } | { readonly page: "missing" };

const path = signal(location.pathname);
/** What the address says beside the page: `?q=…`. */
export const query = signal(location.search);

// Pages fill themselves after they are shown: the browser would scroll too early.
history.scrollRestoration = "manual";
/** Where the page that is shown now was scrolled to when it was left. Pages that know that they are filled may scroll there. */
export let restoreScroll = 0;

addEventListener("popstate", (event) => {
  restoreScroll = Number((event.state as { y?: number } | null)?.y ?? 0);
  scrollTo(0, 0);
  arrive();
});

const TRACK = /^\/tracks\/([0-9a-f-]{36})\/?$/;

export const route = computed<Route>(() => {
  if (path.value === "/") return { page: "library" };
  const track = TRACK.exec(path.value);
  return track ? { page: "track", trackId: track[1]! } : { page: "missing" };
});

/** Goes to a page of ours. */
export function navigate(to: string, { replace = false } = {}): void {
  if (!replace) history.replaceState({ y: scrollY }, "");
  history[replace ? "replaceState" : "pushState"](null, "", to);
  restoreScroll = 0;
  if (!replace) scrollTo(0, 0);
  arrive();
}

function arrive(): void {
  path.value = location.pathname;
  query.value = location.search;
}

/** For links: goes there without loading the page anew, unless the click asks for a new tab. */
export function followLink(event: MouseEvent): void {
  const link = event.currentTarget as HTMLAnchorElement;
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  navigate(link.pathname + link.search);
}
