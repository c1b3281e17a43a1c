/** A curve that was drawn against one that was measured: whether both rise and fall together. */

import { deviation, mean } from "./numbers";

/** A point of a curve: `value` from 0, the bottom, to 1, the top. */
export interface CurvePoint {
  readonly timeMs: number;
  readonly value: number;
}

export interface CurveResult {
  /** Pearson's correlation, −1 to 1; null where one of the two is flat or too little was drawn. */
  readonly correlation: number | null;
  /** Where the drawn curve is farthest above or below the measured one, both taken to the same mean and spread. */
  readonly worst: { readonly timeMs: number; readonly above: boolean } | null;
  /** Part of the measured time that was drawn over. */
  readonly covered: number;
}

/** Value of a drawn curve at a time; undefined outside of it. `points` are in order of time. */
export function valueAt(points: readonly CurvePoint[], timeMs: number): number | undefined {
  const next = points.findIndex((point) => point.timeMs >= timeMs);
  if (next < 0) return undefined;
  const [b, a] = [points[next]!, points[next - 1]];
  if (b.timeMs === timeMs) return b.value;
  return a && a.value + ((b.value - a.value) * (timeMs - a.timeMs)) / (b.timeMs - a.timeMs);
}

/** `measured` has values that are no numbers where there is nothing to compare with. */
export function compareCurve(points: readonly CurvePoint[], measured: readonly CurvePoint[]): CurveResult {
  const real = measured.filter((point) => Number.isFinite(point.value));
  const both = real.flatMap((point) => {
    const drawn = valueAt(points, point.timeMs);
    return drawn === undefined ? [] : [{ timeMs: point.timeMs, drawn, found: point.value }];
  });
  const covered = real.length ? both.length / real.length : 0;
  const [drawn, found] = [standard(both.map((one) => one.drawn)), standard(both.map((one) => one.found))];
  if (both.length < 3 || !drawn || !found) return { correlation: null, worst: null, covered };
  const apart = drawn.map((value, i) => value - found[i]!);
  const at = apart.reduce((most, value, i) => (Math.abs(value) > Math.abs(apart[most]!) ? i : most), 0);
  return { correlation: mean(drawn.map((value, i) => value * found[i]!)), worst: { timeMs: both[at]!.timeMs, above: apart[at]! > 0 }, covered };
}

/** To a mean of 0 and a deviation of 1; undefined where all are the same. */
function standard(values: readonly number[]): number[] | undefined {
  const [at, spread] = [mean(values), deviation(values)];
  return spread > 1e-9 ? values.map((value) => (value - at) / spread) : undefined;
}

/** Adds a point and takes away what was drawn between it and the last one, so that a curve is redrawn by going over it. */
export function drawTo(points: readonly CurvePoint[], last: CurvePoint | null, to: CurvePoint): CurvePoint[] {
  const [from, until] = last ? [Math.min(last.timeMs, to.timeMs), Math.max(last.timeMs, to.timeMs)] : [to.timeMs, to.timeMs];
  const kept = points.filter((point) => point.timeMs < from || point.timeMs > until);
  const ends = last && last.timeMs !== to.timeMs ? [last, to] : [to];
  return [...kept, ...ends].sort((a, b) => a.timeMs - b.timeMs);
}
