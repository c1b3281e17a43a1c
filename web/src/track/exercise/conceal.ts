/** What is not to be seen while an exercise is answered, since it would give the answer away. */

import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import type { TrackModel } from "../model";
import type { Config, Mode } from "./prompts";

/** Parts of the picture, as presets name them in `show`, and those that would tell as much. */
export const PARTS = ["waveform", "bands", "beats", "downbeats", "onsets", "sections", "loudness", "centroid", "chroma", "chords", "key", "tempo", "summary"] as const;
export type Part = (typeof PARTS)[number];

export const NOTHING: ReadonlySet<Part> = new Set<Part>();

/** A part that stands for others: bar numbers need beats to be counted on. */
const IMPLIED: Readonly<Partial<Record<Part, readonly Part[]>>> = { downbeats: ["beats"] };

/** What is hidden while a preset is answered. Without `show` the sound may be seen, and what was read out of it not. */
export function concealedBy(mode: Mode, config: Config): ReadonlySet<Part> {
  if (mode === "listen" || config.reveal === "at_once") return NOTHING;
  const shown = (config.show ?? ["waveform", "bands"]) as readonly Part[];
  const implied = shown.flatMap((part) => IMPLIED[part] ?? []);
  return new Set(PARTS.filter((part) => !shown.includes(part) && !implied.includes(part)));
}

const concealed = new WeakMap<TrackModel, Signal<ReadonlySet<Part>>>();

/** What is hidden on a track's page now. Whoever draws one of these parts reads this, and draws nothing while it is in it. */
export function concealedOf(model: TrackModel): Signal<ReadonlySet<Part>> {
  const known = concealed.get(model) ?? signal(NOTHING);
  concealed.set(model, known);
  return known;
}
