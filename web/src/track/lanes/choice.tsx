/** Which lanes there are, which are shown, and why one cannot be. */

import { signal } from "@preact/signals";
import type { ComponentType } from "preact";
import type { Part } from "../exercise/conceal";
import type { TrackModel } from "../model";
import { BeatsLane } from "./beats";
import { Loudness, Onsets } from "./curves";
import { ChordsLane, KeysLane, SectionsLane } from "./spans";
import { Chroma, Spectrogram } from "./spectrogram";
import { TempoLane } from "./tempo";

export interface LaneChoice {
  readonly id: string;
  readonly name: string;
  /** What of the music it shows: an exercise may conceal it. */
  readonly part: Part;
  readonly Lane: ComponentType;
  /** Above the beats. */
  readonly above: boolean;
  /** Why there is nothing to show; undefined where there is. */
  readonly why?: string | undefined;
}

const KEY = "arsis.lanes";
const AT_FIRST = ["spectrogram", "beats", "tempo", "sections", "keys", "chords", "loudness"];

/** Names of the lanes that are shown where they have something to show. */
export const shown = signal<ReadonlySet<string>>(remembered());

function remembered(): ReadonlySet<string> {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "null");
    if (Array.isArray(kept)) return new Set(kept.filter((one) => typeof one === "string"));
  } catch {
    // What somebody else wrote there counts as nothing.
  }
  return new Set(AT_FIRST);
}

export function toggleLane(id: string): void {
  const next = new Set(shown.peek());
  if (!next.delete(id)) next.add(id);
  shown.value = next;
  localStorage.setItem(KEY, JSON.stringify([...next]));
}

/** All lanes, from above to below. */
export function lanesOf(model: TrackModel): readonly LaneChoice[] {
  const source = model.source.value;
  const isDone = model.analysis.value?.status === "completed";
  const summary = model.summary.value;
  const kind = model.analysis.value?.analysis_type ?? "";
  // While frames may still come, their lanes keep their place.
  const never = !source && (model.analysis.value?.status === "error" || model.analyses.value?.length === 0);
  const lacks = (field: string): string | undefined => {
    if (never) return "needs an analysis";
    return source && !source.layout.fields.some((one) => one.name === field) ? `not part of a ${kind} analysis` : undefined;
  };
  const heard = (count: number | undefined): string | undefined => (!isDone ? "known when the analysis is done" : count ? undefined : "none found");
  const lanes: LaneChoice[] = [
    { id: "spectrogram", name: "Spectrum", part: "bands", Lane: Spectrogram, above: true, why: lacks("bands") },
    { id: "chroma", name: "Chroma", part: "chroma", Lane: Chroma, above: true, why: lacks("chroma") },
    { id: "onsets", name: "Onsets", part: "onsets", Lane: Onsets, above: true, why: lacks("onset") },
    { id: "beats", name: "Beats", part: "beats", Lane: BeatsLane, above: false, why: heard(summary?.beat_count || (model.beats.corrected.value ? 1 : 0)) },
    { id: "tempo", name: "Tempo", part: "tempo", Lane: TempoLane, above: false, why: heard(summary?.tempo_bpm ? 1 : 0) },
    { id: "sections", name: "Sections", part: "sections", Lane: SectionsLane, above: false, why: heard(model.sections.value.length) },
    { id: "keys", name: "Keys", part: "key", Lane: KeysLane, above: false, why: heard(model.keys.value.length) },
    { id: "chords", name: "Chords", part: "chords", Lane: ChordsLane, above: false, why: heard(summary?.chord_count) },
    { id: "loudness", name: "Loudness", part: "loudness", Lane: Loudness, above: false, why: lacks("loudness") },
  ];
  const hidden = model.concealed.value;
  return lanes.map((lane) => (hidden.has(lane.part) ? { ...lane, why: "shown after your answer" } : lane));
}
