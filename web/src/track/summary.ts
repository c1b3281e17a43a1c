/** What an analysis says of a track as a whole. The API leaves the document open; what is absent was not found. */

import type { Analysis } from "@arsis/client";
import type { Grid } from "./beats";

export interface TempoPoint {
  readonly time_ms: number;
  readonly bpm: number;
}

export interface Summary {
  readonly tempo_bpm?: number | null;
  readonly tempo_confidence?: number | null;
  readonly tempo_curve?: readonly TempoPoint[];
  readonly time_signature?: string | null;
  readonly time_signatures?: readonly { readonly time_ms: number; readonly time_signature: string }[];
  readonly key?: { readonly name: string; readonly confidence: number; readonly runner_up?: string | null } | null;
  readonly loudness?: { readonly integrated_lufs?: number | null; readonly range_lu?: number | null; readonly true_peak_dbtp?: number | null } | null;
  readonly tuning_hz?: number | null;
  readonly beat_count?: number;
  readonly bar_count?: number;
  readonly section_count?: number;
  readonly chord_count?: number;
  readonly onset_count?: number;
}

export const summaryOf = (analysis: Analysis | null): Summary | null => (analysis?.status === "completed" ? ((analysis.summary ?? null) as Summary | null) : null);

/** A summary with what follows from the person's corrections in place of what the machine found. */
export function corrected(summary: Summary | null, grid: Grid | null): Summary | null {
  if (!summary || !grid) return summary;
  const { tempo_bpm, tempo_curve, time_signature, time_signatures, beat_count, bar_count } = grid.summary;
  return { ...summary, tempo_bpm: tempo_bpm ?? null, tempo_curve, time_signature: time_signature ?? null, time_signatures, beat_count, bar_count };
}

/** How sure the engine is, 0 to 1, in a word. */
export function sureness(confidence: number | null | undefined): string | undefined {
  if (confidence == null) return undefined;
  return confidence >= 0.8 ? "sure" : confidence >= 0.5 ? "likely" : "unsure";
}
