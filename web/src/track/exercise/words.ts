/** Results in words: short, kind, with numbers and their units. */

import type { TapResult } from "./compare/taps";

/** A number without needless digits. */
export const number = (value: number): string => String(Math.round(value * 10) / 10);

/** `3 marks`, `1 mark`. */
export const times = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;

/** Events of a type, in the plural. */
export const nouns = (type: string): string => ({ section: "section changes", key: "key changes", chord: "chord changes" })[type] ?? `${type}s`;

/** `24 ms late`. */
export const lateness = (ms: number): string => `${Math.round(Math.abs(ms))} ms ${ms > 0 ? "late" : "early"}`;

/** How well something went, in a word or two. */
export function verdict(score: number): string {
  if (score >= 0.9) return "Excellent";
  if (score >= 0.7) return "Well heard";
  if (score >= 0.4) return "Getting there";
  return "Listen once more";
}

const LEVELS: Readonly<Record<TapResult["level"], string>> = {
  each: "",
  half: "You tapped at half the speed",
  double: "You tapped at twice the speed",
  "off-beat": "",
};

const PLACES = ["at the beginning", "in the middle", "at the end"] as const;
/** What is less than this is not heard by anybody. */
const FELT_MS = 8;

interface TapFacts {
  readonly taps: number;
  readonly noun: string;
  readonly toleranceMs: number;
  readonly silent: { readonly hits: number; readonly of: number } | null;
}

export function tapWords(result: TapResult, { taps, noun, toleranceMs, silent }: TapFacts): { headline: string; lines: string[] } {
  const { level, pairs, expected, latencyMs, spreadMs, accepted } = result;
  const lines: string[] = [];
  const what = level === "off-beat" ? "off-beats" : noun;
  if (level === "off-beat") lines.push(`You tapped between the ${noun}: the off-beat, a pulse of its own that many songs live from. The ${noun} are half a step later.`);
  if (LEVELS[level]) lines.push(`${LEVELS[level]}, ${accepted ? "which fits as well" : `and steadily; here each of the ${noun} was asked for`}.`);
  if (silent && silent.of > 0) lines.push(`In the silence: ${silent.hits} of ${silent.of}.`);
  const where = farthest(result.thirds);
  if (where) lines.push(`You are ${lateness(where.ms)} ${where.place}.`);
  if (spreadMs !== null) lines.push(`Steady to ±${Math.round(spreadMs)} ms.`);
  if (Math.abs(latencyMs) >= FELT_MS) lines.push(`All taps came ${lateness(latencyMs)}; that was taken out first, since the delay of the device is in it.`);
  const extras = taps - pairs.length;
  if (extras > 0) lines.push(`${times(extras, "tap")} beside the ${what}.`);
  return { headline: `${pairs.length} of ${expected.length} ${what} within ${number(toleranceMs)} ms`, lines };
}

function farthest(thirds: TapResult["thirds"]): { place: string; ms: number } | null {
  const known = thirds.flatMap((ms, i) => (ms === null ? [] : [{ place: PLACES[i]!, ms }]));
  const most = known.sort((a, b) => Math.abs(b.ms) - Math.abs(a.ms))[0];
  return most && Math.abs(most.ms) >= FELT_MS ? most : null;
}
