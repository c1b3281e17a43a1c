/** One choice or one number against a field of the summary. */

/** A field by its path, as presets name it: `key.tonic`; undefined where the analysis has none. */
export function fieldOf(summary: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((at, name) => (typeof at === "object" && at !== null ? (at as Record<string, unknown>)[name] : undefined), summary) ?? undefined;
}

const FLATS: Readonly<Record<string, string>> = { Db: "C#", Eb: "D#", Gb: "F#", Ab: "G#", Bb: "A#", Cb: "B", Fb: "E", "E#": "F", "B#": "C" };

/** A note by one of its names, other words as they are: `Eb` and `D#` are the same answer. */
const spelled = (word: string): string => FLATS[word.replace("♭", "b").replace("♯", "#")] ?? word.trim().toLowerCase().replace("♯", "#").toUpperCase();

export const sameChoice = (a: string, b: string): boolean => spelled(a) === spelled(b);

export interface NumberResult {
  readonly right: boolean;
  readonly offBy: number;
}

/** Whether a number is within a tolerance of what was measured. */
export const compareNumber = (given: number, measured: number, tolerance: number): NumberResult => ({ right: Math.abs(given - measured) <= tolerance, offBy: given - measured });

/** Value of a row of `{time_ms, …}` at a time: that of the last point before it, or between two of them. */
export function rowAt(row: readonly { readonly time_ms: number; readonly value: number }[], timeMs: number): number | undefined {
  const next = row.findIndex((point) => point.time_ms > timeMs);
  if (next === 0) return row[0]!.value;
  if (next < 0) return row.at(-1)?.value;
  const [a, b] = [row[next - 1]!, row[next]!];
  return a.value + ((b.value - a.value) * (timeMs - a.time_ms)) / (b.time_ms - a.time_ms);
}
