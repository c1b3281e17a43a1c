/** What one has done before, kept by this browser alone: the last results of each track. */

const KEY = "arsis.exercises";
/** Tracks and results a track that are kept, newest first. */
const [TRACKS, RESULTS] = [50, 20];

export interface Past {
  readonly presetId: string;
  /** Name of the question. */
  readonly name: string;
  /** When, in ms since 1970. */
  readonly at: number;
  /** 0 to 1; null where nothing was measured. */
  readonly score: number | null;
  readonly headline: string;
}

type Kept = readonly { readonly trackId: string; readonly results: readonly Past[] }[];

function read(): Kept {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter((one) => typeof one?.trackId === "string" && Array.isArray(one.results)) : [];
  } catch {
    return []; // Storage is off, or holds something else: then there is no past.
  }
}

export const pastOf = (trackId: string): readonly Past[] => read().find((one) => one.trackId === trackId)?.results ?? [];

/** Remembers a result, and gives those of the track. */
export function remember(trackId: string, result: Past): readonly Past[] {
  const results = [result, ...pastOf(trackId)].slice(0, RESULTS);
  keep([{ trackId, results }, ...read().filter((one) => one.trackId !== trackId)].slice(0, TRACKS));
  return results;
}

export function forget(trackId: string): void {
  keep(read().filter((one) => one.trackId !== trackId));
}

function keep(all: Kept): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(all));
  } catch {
    // Full or off: the result is on the page, that is enough.
  }
}
