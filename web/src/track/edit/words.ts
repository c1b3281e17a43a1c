/** What things, their fields and values are called. */

export const WORDS = {
  region: { one: "Region", many: "Regions", list: "regions" },
  annotation: { one: "Annotation", many: "Annotations", list: "annotations" },
} as const;

export const SECTION_TYPES = [
  "intro", "verse", "pre_chorus", "chorus", "post_chorus", "bridge", "hook", "refrain", "solo", "instrumental", "interlude", "break",
  "build_up", "drop", "breakdown", "theme", "exposition", "development", "recapitulation", "coda", "outro", "other",
] as const;

/** `pre_chorus` as `Pre-chorus`. */
export const sectionName = (type: string): string => type.charAt(0).toUpperCase() + type.slice(1).replace("_", "-");

/** Colours to choose from: far apart in hue, and for most with colour-blind eyes in lightness, too. */
export const COLOURS: readonly (readonly [string, string])[] = [
  ["#3b82d6", "Blue"],
  ["#e07b39", "Orange"],
  ["#3f9d5d", "Green"],
  ["#b553c0", "Purple"],
  ["#d64562", "Red"],
  ["#c9a227", "Yellow"],
  ["#2aa3a3", "Teal"],
  ["#7a828f", "Grey"],
];

export const FIELDS: Readonly<Record<string, string>> = {
  name: "Name",
  title: "Title",
  content: "Text",
  description: "Description",
  category: "Category",
  section_type: "Part of the piece",
  color: "Colour",
  is_private: "Private",
  start_time_ms: "From",
  end_time_ms: "To",
};
