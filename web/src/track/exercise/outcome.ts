/** What a comparison found: in words, and where on the timeline. */

import { time } from "../../format";
import type { CurvePoint } from "./compare/curve";
import { compareCurve } from "./compare/curve";
import { compareLabels } from "./compare/labels";
import type { Labelled } from "./compare/labels";
import { compareMarks } from "./compare/marks";
import { match } from "./compare/matching";
import { compareTaps } from "./compare/taps";
import { compareNumber, sameChoice } from "./compare/value";
import type { Config } from "./prompts";
import { lateness, nouns, number, tapWords, times } from "./words";

export interface Outcome {
  readonly headline: string;
  readonly lines: readonly string[];
  /** 0 to 1; null where nothing was measured. */
  readonly score: number | null;
  /** Answers, and whether each was right. */
  readonly marks: readonly { readonly timeMs: number; readonly right: boolean }[];
  /** Places of the analysis, and whether each was found. `asked` is false for those that nobody had to find. */
  readonly events: readonly { readonly timeMs: number; readonly found: boolean; readonly asked: boolean }[];
  /** What was measured, in place of a drawn curve. */
  readonly curve: readonly CurvePoint[];
  /** What the analysis calls its sections. */
  readonly sections: readonly Labelled[];
}

const EMPTY: Omit<Outcome, "headline" | "lines" | "score"> = { marks: [], events: [], curve: [], sections: [] };

/** Nothing to compare: what was done is what there is. */
export const done = (headline: string, lines: readonly string[] = []): Outcome => ({ ...EMPTY, headline, lines, score: null });

const DEFAULT_TOLERANCE_MS = 100;

/** Types of events that come in a steady row, so that half and twice the speed mean something. */
const PERIODIC: readonly string[] = ["beat", "downbeat", "tatum"];

/** Taps along. `mutedFromMs` is where the music fell silent, if it did. */
export function tapOutcome(taps: readonly number[], events: readonly number[], config: Config, mutedFromMs: number | null): Outcome {
  const toleranceMs = config.tolerance_ms ?? DEFAULT_TOLERANCE_MS;
  const type = config.event_types?.[0] ?? "beat";
  if (taps.length === 0) return { ...done("No taps came", ["Tap the big button or press J in time with the music."]), score: 0 };
  // One needs a moment to find the pulse: what came before the first tap was not missed.
  const heard = events.filter((event) => event >= taps[0]! - toleranceMs);
  const result = compareTaps(taps, heard, { toleranceMs, acceptHalfAndDouble: config.accept_half_and_double_tempo ?? false, periodic: PERIODIC.includes(type) });
  const paired = new Set(result.pairs.map((pair) => pair.mark));
  const found = new Set(result.pairs.map((pair) => pair.event));
  const share = result.expected.length ? result.pairs.length / result.expected.length : 0;
  const silent = mutedFromMs === null ? null : silence(result.expected, found, mutedFromMs);
  const { headline, lines } = tapWords(result, { taps: taps.length, noun: nouns(type), toleranceMs, silent });
  // Taps beside the beat count against those on it, half as much: who searches taps more.
  const extras = taps.length - result.pairs.length;
  const score = (share / (1 + extras / (2 * Math.max(result.expected.length, 1)))) * (result.accepted ? 1 : 0.5);
  return {
    ...EMPTY,
    headline,
    lines,
    score,
    marks: taps.map((timeMs, i) => ({ timeMs, right: paired.has(i) })),
    events: result.expected.map((timeMs, i) => ({ timeMs, found: found.has(i), asked: true })),
  };
}

function silence(expected: readonly number[], found: ReadonlySet<number>, fromMs: number): { hits: number; of: number } {
  const there = expected.flatMap((event, i) => (event >= fromMs ? [i] : []));
  return { hits: there.filter((i) => found.has(i)).length, of: there.length };
}

/** Places that were marked. */
export function markOutcome(marks: readonly number[], events: readonly number[], excluded: readonly number[], config: Config): Outcome {
  const toleranceMs = config.tolerance_ms ?? DEFAULT_TOLERANCE_MS;
  const types = config.event_types ?? [];
  const some = config.answers !== undefined || types.length > 1 || (config.exclude_event_types ?? []).length > 0;
  const noun = nouns(types.at(-1) ?? "mark");
  const result = compareMarks(marks, events, { toleranceMs, some, excluded });
  if (result.expected.length === 0) {
    const agreed = marks.length === 0;
    return { ...done(`The analysis found no ${noun}`, [agreed ? "Nor did you: you agree." : "You heard something there: look at your marks again, you may be right."]), score: agreed ? 1 : null, marks: marks.map((timeMs) => ({ timeMs, right: false })) };
  }
  const paired = new Set(result.pairs.map((pair) => pair.mark));
  const found = new Set(result.pairs.map((pair) => pair.event));
  const within = `within ${number(toleranceMs)} ms`;
  const wanted = config.answers ? Math.max(config.answers, marks.length) : marks.length;
  const headline = some ? `${result.pairs.length} of ${times(wanted, "mark")} on ${noun}, ${within}` : `${result.pairs.length} of ${result.expected.length} ${noun} found ${within}`;
  const lines: string[] = [];
  if (result.offsetMs !== null && Math.abs(result.offsetMs) >= 5) lines.push(`Your marks are ${lateness(result.offsetMs)} on the whole.`);
  if (!some && marks.length > result.pairs.length) lines.push(`${times(marks.length - result.pairs.length, "mark")} where the analysis has none.`);
  if (config.answers && marks.length < config.answers) lines.push(`${config.answers} were asked for, you marked ${marks.length}.`);
  if (excluded.length && marks.length > result.pairs.length) lines.push("The others lie on the beat, or where nothing begins.");
  const score = config.answers ? Math.min(result.pairs.length / wanted, 1) : result.f;
  // Where some answers suffice, only what lies between them is worth a look.
  const [from, to] = [(marks[0] ?? 0) - 4000, (marks.at(-1) ?? 0) + 4000];
  const shown = result.expected.flatMap((timeMs, i) => (some && (timeMs < from || timeMs > to) ? [] : [{ timeMs, found: found.has(i), asked: !some }]));
  return { ...EMPTY, headline, lines, score, marks: marks.map((timeMs, i) => ({ timeMs, right: paired.has(i) })), events: shown };
}

/** One of some options. */
export function choiceOutcome(given: string, found: string, what: string): Outcome {
  const right = sameChoice(given, found);
  return { ...done(right ? `Yes: ${found}` : `The analysis says ${found}`, right ? [] : [`You chose ${given}. Listen once more for the ${what}: one of you may be wrong, and it need not be you.`]), score: right ? 1 : 0 };
}

/** A number. */
export function estimateOutcome(given: number, found: number, config: Config): Outcome {
  const tolerance = config.tolerance ?? 0;
  const unit = config.unit ? ` ${config.unit}` : "";
  const { right, offBy } = compareNumber(given, found, tolerance);
  const off = offBy === 0 ? "exactly right" : `${number(Math.abs(offBy))}${unit} too ${offBy > 0 ? "much" : "little"}`;
  const score = right ? 1 : Math.max(0, 1 - (Math.abs(offBy) - tolerance) / Math.max(Math.abs(found), tolerance, 1));
  return { ...done(`Measured: ${number(found)}${unit}`, [`You said ${number(given)}${unit}: ${off}, ${right ? "well within" : "where"} ±${number(tolerance)}${unit} ${right ? "" : "counts as right"}`.trim() + "."]), score };
}

/** Sections with labels: by what sounds alike, and where they begin. */
export function labelOutcome(given: readonly Labelled[], found: readonly Labelled[], config: Config): Outcome {
  const result = compareLabels(given, found);
  const toleranceMs = config.tolerance_ms ?? 3000;
  const [ours, theirs] = [given.slice(1).map((one) => one.fromMs), found.slice(1).map((one) => one.fromMs)];
  const pairs = match(ours, theirs, toleranceMs);
  const hits = new Set(pairs.map((pair) => pair.event));
  const right = new Set(pairs.map((pair) => pair.mark));
  const lines = [...result.meaning].filter(([mine, their]) => mine !== their).map(([mine, their]) => `Your ${mine} is the analysis' ${their}.`);
  if (theirs.length) lines.unshift(`${pairs.length} of ${times(theirs.length, "boundary", "boundaries")} within ${number(toleranceMs / 1000)} s.`);
  if (result.differing.length) lines.push(`You hear it otherwise at ${result.differing.slice(0, 5).map((one) => time(one.fromMs)).join(", ")}.`);
  return {
    ...EMPTY,
    headline: `${Math.round(result.agreement * 100)} % of the time has the same letter`,
    lines,
    score: result.agreement,
    marks: ours.map((timeMs, i) => ({ timeMs, right: right.has(i) })),
    events: theirs.map((timeMs, i) => ({ timeMs, found: hits.has(i), asked: true })),
    sections: found,
  };
}

/** A curve. */
export function drawOutcome(points: readonly CurvePoint[], measured: readonly CurvePoint[], what: string): Outcome {
  const result = compareCurve(points, measured);
  const base = { ...EMPTY, curve: measured };
  if (result.correlation === null) return { ...base, headline: "Too little to compare", lines: [`Draw a line that rises and falls with the ${what}, over most of the piece.`], score: null };
  const r = result.correlation;
  const word = r > 0.8 ? "rises and falls with the music" : r > 0.5 ? "has the same large shape" : r > 0.2 ? "is a little like it" : r > -0.2 ? "goes its own way" : "goes the other way round";
  const lines = [`Your line ${word} (correlation ${r.toFixed(2)}).`];
  if (result.worst && r < 0.97) lines.push(`Farthest apart at ${time(result.worst.timeMs)}, where you drew it too ${result.worst.above ? "high" : "low"}.`);
  if (result.covered < 0.8) lines.push(`You drew over ${Math.round(result.covered * 100)} % of the time.`);
  return { ...base, headline: `Your ${what} against the measured one`, lines, score: Math.max(0, r) * Math.min(1, result.covered / 0.8) };
}
