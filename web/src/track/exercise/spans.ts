/** Which part of a track an exercise plays, out of what its preset says and where bars and sections are. */

import { median } from "./compare/numbers";
import type { Config } from "./prompts";
import type { Span } from "../view";

export interface Places {
  readonly durationMs: number;
  /** Where the listener is: the beginning of what they have marked, or the playhead. */
  readonly hereMs: number;
  /** First beats of bars within a span. */
  readonly downbeats: (span: Span) => Promise<readonly number[]>;
  /** Where the section begins that differs most from the one before it; null without sections. */
  readonly strongestSection: () => Promise<number | null>;
  /** 0 to 1. */
  readonly random: () => number;
}

/** A bar where none are known: four beats at 120 beats a minute. */
const USUAL_BAR_MS = 2000;
/** Longest look for downbeats, so that a track of ten hours does not give all of them. */
const LOOK_MS = 10 * 60_000;

/** How many bars are played; undefined where it is not counted in bars. */
function barsOf({ loop_bars, limit_bars, bars_with_music, bars_muted }: Config): number | undefined {
  if (bars_with_music || bars_muted) return (bars_with_music ?? 0) + (bars_muted ?? 0);
  return loop_bars ?? limit_bars;
}

export interface Played {
  readonly span: Span;
  /** From here on nothing is heard; null never. */
  readonly mutedFromMs: number | null;
}

export async function spanFor(config: Config, places: Places): Promise<Played> {
  const bars = barsOf(config);
  const length = config.duration_ms ?? config.stop_after_ms;
  const end = config.end_at === "strongest_section" ? await places.strongestSection() : null;
  if (bars && end !== null) return { span: await barsBefore(end, bars, places), mutedFromMs: null };
  const from = startOf(config, places, bars !== undefined);
  if (bars) return barsFrom(from, bars, config, places);
  const toMs = length === undefined ? places.durationMs : Math.min(from + length, places.durationMs);
  return { span: { fromMs: from, toMs: Math.max(toMs, from + 100) }, mutedFromMs: null };
}

function startOf({ start, loop_bars, limit_bars, duration_ms, stop_after_ms }: Config, { durationMs, hereMs, random }: Places, bars: boolean): number {
  const length = duration_ms ?? stop_after_ms ?? (loop_bars ?? limit_bars ?? 0) * USUAL_BAR_MS;
  if (start === "random") return random() * Math.max(durationMs - length * 1.2, 0) * 0.8 + durationMs * 0.05;
  // Bars are looped where the listener is; anything else begins at the beginning, unless the preset says otherwise.
  return start === undefined && bars && loop_bars ? Math.min(hereMs, Math.max(durationMs - length, 0)) : 0;
}

async function barsFrom(fromMs: number, bars: number, config: Config, places: Places): Promise<Played> {
  const look = { fromMs: Math.max(fromMs - 100, 0), toMs: Math.min(fromMs + Math.min((bars + 2) * 8000, LOOK_MS), places.durationMs) };
  const found = await places.downbeats(look);
  const bar = barMs(found);
  const at = (n: number): number => Math.min(found[n] ?? (found.at(-1) ?? fromMs) + (n - Math.max(found.length - 1, 0)) * bar, places.durationMs);
  const muted = config.bars_muted && config.bars_with_music ? at(config.bars_with_music) : null;
  return { span: { fromMs: at(0), toMs: Math.max(at(bars), at(0) + 100) }, mutedFromMs: muted };
}

async function barsBefore(toMs: number, bars: number, places: Places): Promise<Span> {
  const found = await places.downbeats({ fromMs: Math.max(toMs - Math.min((bars + 2) * 8000, LOOK_MS), 0), toMs: toMs - 100 });
  return { fromMs: Math.max(found.at(-bars) ?? toMs - bars * barMs(found), 0), toMs };
}

const barMs = (downbeats: readonly number[]): number => (downbeats.length < 2 ? USUAL_BAR_MS : median(downbeats.slice(1).map((one, i) => one - downbeats[i]!)));

/** Parts to be compared: those the preset names, or a quieter and a later one that hardly fail to differ. */
export function excerptsOf(config: Config, durationMs: number, sections: readonly number[]): Span[] {
  const parts = config.excerpts ?? (sections.length > 1 ? [sections[0]! / durationMs, sections[Math.floor(sections.length / 2)]! / durationMs] : [0.1, 0.6]);
  const length = Math.min(config.excerpt_ms ?? 15_000, durationMs / Math.max(parts.length, 1));
  return parts.map((part) => {
    const fromMs = Math.min(Math.max(part * durationMs, 0), Math.max(durationMs - length, 0));
    return { fromMs, toMs: fromMs + length };
  });
}
