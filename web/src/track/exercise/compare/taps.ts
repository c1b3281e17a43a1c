/** A row of taps against a row of events, whatever the speed that was chosen and however late the device is. */

import { match } from "./matching";
import type { Pair } from "./matching";
import { deviation, lowerBound, mean, median } from "./numbers";

/** What was tapped: each event, every second, twice each, or between them. */
export type Level = "each" | "half" | "double" | "off-beat";

export interface TapOptions {
  readonly toleranceMs: number;
  /** Whether half and twice the speed are right as well. */
  readonly acceptHalfAndDouble: boolean;
  /** Whether events come at an even distance, so that a half of it means something. */
  readonly periodic: boolean;
}

export interface TapResult {
  readonly level: Level;
  /** Whether that counts as right. */
  readonly accepted: boolean;
  /** How late the taps are as a whole (early below 0), which is taken out before they are compared: the device's delay, and the hand's. */
  readonly latencyMs: number;
  /** What the taps were compared with. */
  readonly expected: readonly number[];
  /** Pairs of `taps` and `expected`. */
  readonly pairs: readonly Pair[];
  /** How late each pair is once the latency is out. */
  readonly offsets: readonly number[];
  /** How steady: the standard deviation of `offsets`; null where there are less than three. */
  readonly spreadMs: number | null;
  /** Mean of `offsets` at the beginning, in the middle and at the end; null where nothing was hit. */
  readonly thirds: readonly [number | null, number | null, number | null];
}

/** Part of the taps that must fit a pulse nobody asked for. */
const HELD = 0.7;
/** Longest delay that is put down to the device and the hand: Bluetooth reaches 250 ms. */
const MOST_LATENCY_MS = 300;

/** Compares; `taps` and `events` are in order of time, `events` are those that could have been tapped. */
export function compareTaps(taps: readonly number[], events: readonly number[], options: TapOptions): TapResult {
  let best: TapResult | undefined;
  let most = -1;
  for (const [level, expected] of readings(events, options.periodic)) {
    const result = compareWith(level, expected, taps, options);
    // Another pulse must be held to be one: by chance, a row that searches lies between the beats as often as on them.
    if (!result.accepted && result.pairs.length < HELD * taps.length) continue;
    const score = (2 * result.pairs.length) / Math.max(taps.length + expected.length, 1) + preference(level, result.accepted);
    if (score > most) [best, most] = [result, score];
  }
  return best!;
}

/** Each event explains what fits it as well as another reading would; a late half or an off-beat must be plainly better. */
const preference = (level: Level, accepted: boolean): number => (level === "each" ? 0.1 : accepted ? 0.05 : 0);

function* readings(events: readonly number[], periodic: boolean): Generator<readonly [Level, readonly number[]]> {
  yield ["each", events];
  if (!periodic || events.length < 4) return;
  const between = events.slice(1).map((event, i) => (event + events[i]!) / 2);
  yield ["half", events.filter((_, i) => i % 2 === 0)];
  yield ["half", events.filter((_, i) => i % 2 === 1)];
  yield ["double", [...events, ...between].sort((a, b) => a - b)];
  yield ["off-beat", between];
}

function compareWith(level: Level, expected: readonly number[], taps: readonly number[], options: TapOptions): TapResult {
  const latencyMs = latency(taps, expected, options.toleranceMs);
  const heard = taps.map((tap) => tap - latencyMs);
  const pairs = match(heard, expected, options.toleranceMs);
  const offsets = pairs.map(({ mark, event }) => heard[mark]! - expected[event]!);
  const accepted = level === "each" || ((level === "half" || level === "double") && options.acceptHalfAndDouble);
  return { level, accepted, latencyMs, expected, pairs, offsets, spreadMs: offsets.length < 3 ? null : deviation(offsets), thirds: inThirds(pairs, offsets, expected) };
}

/** Median of how far taps are from the nearest event. One that could as well be the next event's is none. */
function latency(taps: readonly number[], expected: readonly number[], toleranceMs: number): number {
  const far: number[] = [];
  for (const tap of taps) {
    const next = lowerBound(expected, tap);
    const [before, after] = [tap - (expected[next - 1] ?? -Infinity), (expected[next] ?? Infinity) - tap];
    const period = before + after;
    const nearest = before <= after ? before : -after;
    // A third of the distance between events is nobody's delay; where there is no distance, the limit is the device's.
    const most = Math.min(MOST_LATENCY_MS, Number.isFinite(period) ? Math.max(period / 3, toleranceMs) : MOST_LATENCY_MS);
    if (Math.abs(nearest) <= most) far.push(nearest);
  }
  // Of three taps one cannot tell what is late by habit and what by chance.
  return far.length >= 4 ? median(far) : 0;
}

function inThirds(pairs: readonly Pair[], offsets: readonly number[], expected: readonly number[]): TapResult["thirds"] {
  const third = (which: number): number | null => {
    const some = offsets.filter((_, i) => Math.min(Math.floor((pairs[i]!.event * 3) / expected.length), 2) === which);
    return some.length ? mean(some) : null;
  };
  return [third(0), third(1), third(2)];
}
