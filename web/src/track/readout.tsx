/** What is where the pointer is: time, bar and beat, chord, section, level. */

import { time } from "./../format";
import { nameOf } from "./lanes/spans";
import { levelOf } from "./frames/visible";
import { useTrack } from "./model";
import type { TrackModel } from "./model";
import { pointed } from "./readout-at";
import type { Pointed } from "./readout-at";
import { spanOf } from "./view";

/** The line through all lanes. */
export function ReadoutLine() {
  const at = pointed.value;
  return at && <div class="pointed" style={{ transform: `translateX(${at.x}px)` }} />;
}

export function Readout() {
  const model = useTrack();
  const at = pointed.value;
  return <p class="lanes-readout">{at ? wordsOf(model, at).map((word) => <span key={word}>{word}</span>) : <span class="faint">Point at the lanes to read them</span>}</p>;
}

function wordsOf(model: TrackModel, at: Pointed): readonly string[] {
  return [time(at.ms, 2), placeOf(model, at.ms), chordOf(model, at.ms), sectionOf(model, at.ms), levelAt(model, at)].filter((word) => word !== undefined);
}

/** Bar and beat, as `3.2`. */
function placeOf(model: TrackModel, ms: number): string | undefined {
  const span = spanOf(model.view.value);
  if (span.toMs - span.fromMs > 600_000 || model.concealed.value.has("beats")) return undefined;
  const beat = model.beats.within({ fromMs: ms - 10_000, toMs: ms + 1 }).at(-1);
  return beat?.bar != null ? `bar ${beat.bar}.${beat.position}` : undefined;
}

function chordOf(model: TrackModel, ms: number): string | undefined {
  const span = spanOf(model.view.value);
  if (span.toMs - span.fromMs > 600_000 || model.source.value?.complete !== true || model.concealed.value.has("chords")) return undefined;
  const chord = model.chords.within({ fromMs: ms, toMs: ms + 1 }).at(-1);
  return chord && ms < chord.time_ms + (chord.duration_ms ?? 0) ? nameOf(chord) : undefined;
}

function sectionOf(model: TrackModel, ms: number): string | undefined {
  if (model.concealed.value.has("sections")) return undefined;
  const section = model.sections.value.find((one) => ms >= one.time_ms && ms < one.time_ms + (one.duration_ms ?? 0));
  return section && (model.concealed.value.has("labels") ? "section" : `section ${nameOf(section)}`);
}

/** Level of the band under the pointer. */
function levelAt(model: TrackModel, { ms, height }: Pointed): string | undefined {
  void model.blocks.revision.value;
  const source = model.source.value;
  const level = source && levelOf(source, model.view.value);
  if (!source || !level || height === null) return undefined;
  const field = source.layout.fields.find((one) => one.name === "bands");
  const frame = Math.floor(ms / level.hopMs);
  const block = model.blocks.get(level.level, Math.floor(frame / source.chunkFrames));
  const row = block ? frame - block.frames.startFrame : -1;
  if (!field || !block || row < 0 || row >= block.frames.frameCount) return undefined;
  const band = Math.min(Math.max(Math.floor(height * field.count), 0), field.count - 1);
  const db = block.values("bands")[row * field.count + band]!;
  const hz = field.band_edges_hz?.[band + 1];
  return `${hz ? `${hz < 1000 ? `${Math.round(hz)} Hz` : `${(hz / 1000).toFixed(1)} kHz`} ` : ""}${db <= field.min ? "silent" : `${db.toFixed(1)} dB`}`.replace("-", "−");
}
