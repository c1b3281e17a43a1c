/** Places that were marked against the places that the analysis found. */

import { match } from "./matching";
import type { Pair } from "./matching";
import { lowerBound, mean } from "./numbers";

export interface MarkOptions {
  readonly toleranceMs: number;
  /** Answers are asked for at some of the events only: what was not marked is not missed. */
  readonly some: boolean;
  /** Events that an answer must not lie on, in order of time. */
  readonly excluded?: readonly number[];
}

export interface MarkResult {
  readonly expected: readonly number[];
  readonly pairs: readonly Pair[];
  /** Part of the marks that are right, and of the events that were found; null where there are none. */
  readonly precision: number | null;
  readonly recall: number | null;
  /** Their harmonic mean, 0 to 1. */
  readonly f: number;
  /** Mean of how late the right ones are; null without any. */
  readonly offsetMs: number | null;
}

export function compareMarks(marks: readonly number[], events: readonly number[], { toleranceMs, some, excluded = [] }: MarkOptions): MarkResult {
  const expected = events.filter((event) => !near(excluded, event, toleranceMs));
  const pairs = match(marks, expected, toleranceMs);
  const precision = marks.length ? pairs.length / marks.length : null;
  const recall = some || expected.length === 0 ? null : pairs.length / expected.length;
  const offsets = pairs.map(({ mark, event }) => marks[mark]! - expected[event]!);
  return { expected, pairs, precision, recall, f: harmonic(precision, recall), offsetMs: offsets.length ? mean(offsets) : null };
}

/** Of precision and recall; where one of them is not asked for, the other. */
function harmonic(precision: number | null, recall: number | null): number {
  if (recall === null) return precision ?? 0;
  if (precision === null || precision + recall === 0) return 0;
  return (2 * precision * recall) / (precision + recall);
}

/** Whether one of some ascending times is within a distance. */
export function near(times: readonly number[], at: number, distanceMs: number): boolean {
  const next = lowerBound(times, at);
  return (times[next] ?? Infinity) - at <= distanceMs || at - (times[next - 1] ?? -Infinity) <= distanceMs;
}
