/** Which page the address names. */

import { computed, signal } from "@preact/signals";

export type Route = { readonly page: "library" } | { readonly page: "track"; readonly trackId: string } | { readonly page: "missing" };

const path = signal(location.pathname);
addEventListener("popstate", () => (path.value = location.pathname));

const TRACK = /^\/tracks\/([0-9a-f-]{36})\/?$/;

export const route = computed<Route>(() => {
  if (path.value === "/") return { page: "library" };
  const track = TRACK.exec(path.value);
  return track ? { page: "track", trackId: track[1]! } : { page: "missing" };
});

/** Goes to a page of ours. */
export function navigate(to: string, { replace = false } = {}): void {
  history[replace ? "replaceState" : "pushState"](null, "", to);
  path.value = location.pathname;
  scrollTo(0, 0);
}

/** For links: goes there without loading the page anew, unless the click asks for a new tab. */
export function followLink(event: MouseEvent): void {
  const link = event.currentTarget as HTMLAnchorElement;
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  navigate(link.pathname + link.search);
}
