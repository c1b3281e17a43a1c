/** The list of tracks as it is read: page by page, in an order and by a filter that the address names. */

import type { Analysis, Track } from "@arsis/client";
import { computed, effect, signal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import { client, explain } from "../api";
import type { Explained } from "../api";
import { navigate, query } from "../route";
import { noticeEnd, person } from "../session";

export type Sort = "created_at" | "name" | "bpm" | "duration_ms";
export type Order = "asc" | "desc";
type Status = Track["status"];

export interface Filter {
  readonly q: string;
  /** Exactly this label; empty for all. */
  readonly tag: string;
  readonly status: Status | "";
  readonly sort: Sort;
  readonly order: Order;
}

/** A track, and what is known of the analysis that is being made of it. */
export interface Entry {
  readonly track: Track;
  readonly analysis?: Analysis | undefined;
}

export const SORTS: Readonly<Record<Sort, { readonly label: string; readonly order: Order }>> = {
  created_at: { label: "Newest", order: "desc" },
  name: { label: "Name", order: "asc" },
  bpm: { label: "Tempo", order: "asc" },
  duration_ms: { label: "Length", order: "asc" },
};
const STATUSES = new Set(["processing", "ready", "error"]);
/** Tracks read, and drawn, at a time. */
export const PAGE_SIZE = 50;

/** What the address asks for; what it says wrongly counts as not said. */
export const filter = computed<Filter>(() => {
  const said = new URLSearchParams(query.value);
  const sort = Object.hasOwn(SORTS, said.get("sort") ?? "") ? (said.get("sort") as Sort) : "created_at";
  const order = said.get("order");
  const status = said.get("status") ?? "";
  return {
    q: (said.get("q") ?? "").slice(0, 200),
    tag: (said.get("tag") ?? "").slice(0, 100),
    status: STATUSES.has(status) ? (status as Status) : "",
    sort,
    order: order === "asc" || order === "desc" ? order : SORTS[sort].order,
  };
});

/** The filter as one text: equal texts, equal lists. */
export const filterKey = computed(() => JSON.stringify(filter.value));

export function setFilter(change: Partial<Filter>): void {
  const next = { ...filter.peek(), ...change };
  const said = new URLSearchParams();
  if (next.q.trim()) said.set("q", next.q);
  if (next.tag) said.set("tag", next.tag);
  if (next.status) said.set("status", next.status);
  if (next.sort !== "created_at") said.set("sort", next.sort);
  if (next.order !== SORTS[next.sort].order) said.set("order", next.order);
  navigate(`/${said.size ? `?${said}` : ""}`, { replace: true });
}

export type Reading = { readonly kind: "reading" } | { readonly kind: "idle" } | { readonly kind: "failed"; readonly why: Explained };

/** Ids of the tracks, a list for each page read. */
export const pages = signal<readonly (readonly string[])[]>([]);
/** Whether there are more pages to read. */
export const hasMore = signal(false);
export const reading = signal<Reading>({ kind: "idle" });
/** `filterKey` of the pages; null before the first is there. */
export const shown = signal<string | null>(null);

const entries = new Map<string, Signal<Entry>>();
let cursor: string | undefined;
let current = new AbortController();

export const entryOf = (id: string): Signal<Entry> | undefined => entries.get(id);

/** Notes what is new about a track. */
export function note(track: Track, analysis?: Analysis): void {
  const known = entries.get(track.id);
  if (!known) entries.set(track.id, signal<Entry>({ track, analysis }));
  else known.value = { track, analysis: analysis ?? (track.status === "processing" ? known.peek().analysis : undefined) };
}

async function ask(from: string | undefined, wanted: AbortController): Promise<{ ids: string[]; next: string | undefined }> {
  const { q, tag, status, sort, order } = filter.peek();
  const said = { sort, order, limit: PAGE_SIZE, ...(q.trim() && { q: q.trim() }), ...(tag && { tag }), ...(status && { status }), ...(from && { cursor: from }) };
  const page = await client.call("get", "/v1/tracks", { query: said, signal: wanted.signal });
  wanted.signal.throwIfAborted();
  for (const track of page.items) note(track);
  return { ids: page.items.map(({ id }) => id), next: page.next_cursor ?? undefined };
}

/** Reads the list from its beginning. What is shown stays until the new list is there. */
export async function readAnew(): Promise<void> {
  current.abort();
  current = new AbortController();
  const [wanted, asked] = [current, filterKey.peek()];
  reading.value = { kind: "reading" };
  try {
    const { ids, next } = await ask(undefined, wanted);
    // Where things have only come on top, all below stays, and with it the place where somebody is.
    const grown = shown.peek() === asked ? grownAtTop(pages.peek(), ids) : null;
    if (!grown) cursor = next;
    [pages.value, hasMore.value, shown.value] = [grown ?? (ids.length ? [ids] : []), cursor !== undefined, asked];
    forget();
    reading.value = { kind: "idle" };
  } catch (error) {
    fail(error, wanted);
  }
}

/** The pages with what came on top of them, where the rest of the first page is as it was. */
function grownAtTop(before: readonly (readonly string[])[], ids: readonly string[]): (readonly string[])[] | null {
  const first = before[0];
  if (!first) return null;
  const start = ids.indexOf(first[0]!);
  if (start < 0) return null;
  const below = ids.slice(start);
  const isWhole = ids.length < PAGE_SIZE;
  const same = below.every((id, index) => first[index] === id) && (!isWhole || before.flat().length === below.length);
  return same ? [[...ids.slice(0, start), ...first], ...before.slice(1)] : null;
}

/** Reads the next page. */
export async function readMore(): Promise<void> {
  if (!hasMore.peek() || reading.peek().kind === "reading" || shown.peek() !== filterKey.peek()) return;
  const wanted = current;
  reading.value = { kind: "reading" };
  try {
    const { ids, next } = await ask(cursor, wanted);
    // A track whose tempo came meanwhile may be met twice.
    const known = new Set(pages.peek().flat());
    cursor = next;
    [pages.value, hasMore.value] = [[...pages.peek(), ids.filter((id) => !known.has(id))], next !== undefined];
    reading.value = { kind: "idle" };
  } catch (error) {
    fail(error, wanted);
  }
}

function fail(error: unknown, wanted: AbortController): void {
  if (wanted.signal.aborted) return;
  // Where the session is over, signing in reads anew.
  reading.value = noticeEnd(error) ? { kind: "idle" } : { kind: "failed", why: explain(error) };
}

/** A track that was uploaded just now: on top where the newest are, else where the order puts it. */
export function added(track: Track): void {
  note(track);
  const { q, tag, status, sort, order } = filter.peek();
  if (shown.peek() !== filterKey.peek()) return;
  if (q || tag || status || sort !== "created_at" || order !== "desc") return void readAnew();
  if (pages.peek().some((ids) => ids.includes(track.id))) return;
  const [first = [], ...rest] = pages.peek();
  pages.value = [[track.id, ...first], ...rest];
}

/** A track that is there no more. */
export function removed(id: string): void {
  pages.value = pages.peek().map((ids) => (ids.includes(id) ? ids.filter((one) => one !== id) : ids));
  entries.delete(id);
}

/** Drops what no page names any more. */
function forget(): void {
  const named = new Set(pages.peek().flat());
  for (const id of entries.keys()) if (!named.has(id)) entries.delete(id);
}

// Somebody else's library is another one.
let owner: string | undefined;
effect(() => {
  const now = person.value?.user_id;
  if (owner && now !== owner) {
    current.abort();
    [pages.value, hasMore.value, shown.value, reading.value] = [[], false, null, { kind: "idle" }];
    entries.clear();
  }
  owner = now;
});
