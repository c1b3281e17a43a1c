/** What is not to be seen while an exercise is answered, since it would give the answer away. */

import type { Config, Mode } from "./prompts";

/** Parts of the picture, as presets name them in `show`, and those that would tell as much: `labels` are the names of sections. */
export const PARTS = ["waveform", "bands", "beats", "downbeats", "onsets", "sections", "loudness", "centroid", "chroma", "chords", "key", "tempo", "summary", "labels"] as const;
export type Part = (typeof PARTS)[number];

export const NOTHING: ReadonlySet<Part> = new Set<Part>();

/** A part that stands for others: bar numbers need beats to be counted on. */
const IMPLIED: Readonly<Partial<Record<Part, readonly Part[]>>> = { downbeats: ["beats"], sections: ["labels"] };

/** What is hidden while a preset is answered. Without `show` the sound may be seen, and what was read out of it not. */
export function concealedBy(mode: Mode, config: Config): ReadonlySet<Part> {
  if (mode === "listen" || config.reveal === "at_once") return NOTHING;
  const shown = (config.show ?? ["waveform", "bands"]) as readonly Part[];
  const implied = shown.flatMap((part) => IMPLIED[part] ?? []);
  const asked: readonly Part[] = mode === "label" ? ["labels"] : [];
  return new Set(PARTS.filter((part) => asked.includes(part) || (!shown.includes(part) && !implied.includes(part))));
}
