/** Events of one type, fetched by stretches of time as they are looked at, and kept within a bound. */

import type { Event } from "@arsis/client";
import { signal } from "@preact/signals";
import { client } from "../api";
import type { Span } from "./view";

/** Stretches kept of each type. */
const MOST = 96;
const AT_A_TIME = 4;
const SETTLE_MS = 60;
/** Pages of 1,000 read of one stretch: nothing that music holds has more. */
const MOST_PAGES = 12;

export class EventWindows {
  /** Grows when events have come. */
  readonly revision = signal(0);
  #analysisId: string | null = null;
  #gone = new AbortController();
  readonly #there = new Map<number, readonly Event[]>();
  readonly #coming = new Map<number, Promise<readonly Event[]>>();
  /** Of all who looked since it was last fetched. */
  readonly #lookedAt = new Set<number>();
  #failedAt = -Infinity;
  #timer = 0;

  constructor(
    readonly type: string,
    /** Length of a stretch, in ms: some hundred events. */
    readonly windowMs: number,
  ) {}

  /** Whose events; null while there are none. */
  use(analysisId: string | null): void {
    this.#gone.abort();
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#gone = new AbortController();
    this.#analysisId = analysisId;
    this.#there.clear();
    this.#coming.clear();
    this.#failedAt = -Infinity;
    this.revision.value += 1;
  }

  /** Asks at once for what could not be fetched. */
  retry(): void {
    if (this.#failedAt === -Infinity) return;
    this.#failedAt = -Infinity;
    this.#fetch();
  }

  /** What is known by now of those that begin in a span, and of the one before it; what is missing is fetched. */
  within(span: Span): readonly Event[] {
    void this.revision.value;
    const windows = this.#windows({ fromMs: span.fromMs - 1, toMs: span.toMs });
    if (!this.#timer) this.#lookedAt.clear();
    for (const one of windows) this.#lookedAt.add(one);
    this.#timer ||= window.setTimeout(this.#fetch, SETTLE_MS);
    const found = windows.flatMap((window) => this.#there.get(window) ?? []);
    let first = found.findIndex((event) => event.time_ms >= span.fromMs);
    if (first < 0) first = found.length;
    const end = found.findIndex((event) => event.time_ms >= span.toMs);
    return found.slice(Math.max(first - 1, 0), end < 0 ? undefined : end);
  }

  /** All that begin in a span. */
  async all(span: Span, aborted?: AbortSignal): Promise<readonly Event[]> {
    const found: Event[] = [];
    for (const window of this.#windows(span)) {
      aborted?.throwIfAborted();
      found.push(...(await this.#window(window)));
    }
    aborted?.throwIfAborted();
    return found.filter((event) => event.time_ms >= span.fromMs && event.time_ms < span.toMs);
  }

  #windows(span: Span): number[] {
    const first = Math.max(Math.floor(span.fromMs / this.windowMs), 0);
    const last = Math.ceil(span.toMs / this.windowMs);
    return Array.from({ length: Math.max(last - first, 0) }, (_, at) => first + at);
  }

  /** Not at once: of a view that is only passed through nothing is fetched. */
  readonly #fetch = (): void => {
    this.#timer = 0;
    if (this.#analysisId === null) return;
    // After a failure it is asked again when the view moves, not at once.
    if (performance.now() - this.#failedAt < 2_000) return;
    for (const window of this.#lookedAt) {
      if (this.#coming.size >= AT_A_TIME) return;
      if (this.#there.has(window) || this.#coming.has(window)) continue;
      this.#window(window).then(
        () => this.#fetch(),
        () => (this.#failedAt = performance.now()),
      );
    }
  };

  #window(window: number): Promise<readonly Event[]> {
    const there = this.#there.get(window);
    if (there) return Promise.resolve(there);
    const coming = this.#coming.get(window);
    if (coming) return coming;
    const [asked, analysisId] = [this.#gone, this.#analysisId];
    if (analysisId === null) return Promise.resolve([]);
    const work = read(analysisId, this.type, window * this.windowMs, (window + 1) * this.windowMs, asked.signal);
    this.#coming.set(window, work);
    const over = (): void => void (this.#coming.get(window) === work && this.#coming.delete(window));
    work.then((events) => (over(), asked === this.#gone && this.#keep(window, events)), over);
    return work;
  }

  #keep(window: number, events: readonly Event[]): void {
    this.#there.set(window, events);
    for (const oldest of this.#there.keys()) {
      if (this.#there.size <= MOST) break;
      if (!this.#lookedAt.has(oldest)) this.#there.delete(oldest);
    }
    this.revision.value += 1;
  }
}

async function read(analysis_id: string, type: string, from_ms: number, to_ms: number, aborted: AbortSignal): Promise<readonly Event[]> {
  const events: Event[] = [];
  let pages = 0;
  for (let cursor: string | undefined; pages < MOST_PAGES; pages += 1) {
    const query = { type, from_ms, to_ms, ...(cursor && { cursor }) };
    const page = await client.call("get", "/v1/analyses/{analysis_id}/events", { path: { analysis_id }, query, signal: aborted });
    const { items, next_cursor } = page as { items: Event[]; next_cursor?: string | null };
    events.push(...items);
    if (!next_cursor) break;
    cursor = next_cursor;
  }
  return events;
}
