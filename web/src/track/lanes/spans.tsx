/** What lasts: sections, keys and chords, each a coloured stretch with its name. */

import type { Event } from "@arsis/client";
import { theme } from "../../theme";
import type { Part } from "../exercise/conceal";
import { useTrack } from "../model";
import type { TrackModel } from "../model";
import { spanOf, toX } from "../view";
import type { View } from "../view";
import { ink } from "./ink";
import { hint } from "./beats";
import { Lane } from "./lane";

/** Chords of a longer span cannot be told apart: none are fetched for it. */
export const CHORDS_SEEN_MS = 3_600_000;

const ROOTS = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];

export function SectionsLane() {
  const { sections, concealed } = useTrack();
  const said = concealed.value.has("labels") ? String(sections.value.length) : sections.value.map(nameOf).slice(0, 40).join(", ");
  return <Lane label="Sections" kind="sections" height={30} draw={drawSections} said={said} />;
}

export function KeysLane() {
  const { keys } = useTrack();
  return <Lane label="Keys" kind="keys" height={28} draw={drawKeys} said={keys.value.map(nameOf).slice(0, 40).join(", ")} />;
}

export function ChordsLane() {
  const count = useTrack().summary.value?.chord_count ?? 0;
  return <Lane label="Chords" kind="chords" height={30} draw={drawChords} said={`${count} chords, by name where there is room`} />;
}

function drawSections(context: CanvasRenderingContext2D, view: View, height: number, model: TrackModel): void {
  const hidden = model.concealed.value;
  stretches(context, view, height, model.sections.value, (section) => groundOfSection(section, hidden), hidden.has("labels") ? () => "" : nameOf);
}

const drawKeys = (context: CanvasRenderingContext2D, view: View, height: number, model: TrackModel): void =>
  stretches(context, view, height, model.keys.value, (key) => tint(hueOfRoot(nameOf(key).split(" ")[0]!)));

function drawChords(context: CanvasRenderingContext2D, view: View, height: number, model: TrackModel): void {
  const span = spanOf(view);
  const isFar = span.toMs - span.fromMs > CHORDS_SEEN_MS;
  if (isFar) return hint(context, view, height, model.source.value?.complete === true, "chords");
  stretches(context, view, height, model.chords.within(span), (chord) => {
    const { root, quality } = (chord.event_data ?? {}) as { root?: string; quality?: string };
    return tint(hueOfRoot(root ?? ""), quality === "minor");
  });
}

/** The name of a section, key or chord. */
export function nameOf(event: Event): string {
  const data = (event.event_data ?? {}) as { name?: string; label?: string };
  return data.name ?? data.label ?? event.event_type;
}

/** Equal letters repeat one another and look alike; 137.5° apart, neighbours never do. */
const hueOfSection = (section: Event): number => ((nameOf(section).charCodeAt(0) - 65) * 137.5 + 250) % 360;

/** The ground of a section: of its letter's colour, unless letters are not to be seen. */
export const groundOfSection = (section: Event, hidden: ReadonlySet<Part>): string => tint(hidden.has("labels") ? 250 : hueOfSection(section));

/** Around the circle of fifths, so that related ones look related. */
const hueOfRoot = (root: string): number => ((Math.max(ROOTS.indexOf(root), 0) * 7) % 12) * 30 + 20;

/** A ground on which text of the theme reads well; `isDeep` sets one kind off from another. */
export function tint(hue: number, isDeep = false): string {
  const isDark = theme.value === "dark";
  const lightness = isDark ? (isDeep ? 0.32 : 0.42) : isDeep ? 0.83 : 0.91;
  return `oklch(${lightness} ${isDark ? 0.075 : 0.065} ${hue})`;
}

function stretches(context: CanvasRenderingContext2D, view: View, height: number, events: readonly Event[], ground: (event: Event) => string, named = nameOf): void {
  context.font = "600 13px system-ui, sans-serif";
  context.textBaseline = "middle";
  const text = ink("--text");
  for (const event of events) {
    const [from, to] = [toX(view, event.time_ms), toX(view, event.time_ms + (event.duration_ms ?? 0))];
    if (to < 0 || from > view.widthPx) continue;
    const [left, right] = [Math.round(Math.max(from, -4)), Math.round(Math.min(to, view.widthPx + 4))];
    context.fillStyle = ground(event);
    // A pixel between neighbours, as long as there is room.
    context.fillRect(left, 2, Math.max(right - left - (right - left > 4 ? 1 : 0), 1), height - 4);
    const name = named(event);
    const at = Math.max(left, 0);
    if (right - at - 10 < widthOf(context, name)) continue;
    context.fillStyle = text;
    context.fillText(name, at + 6, height / 2 + 1);
  }
}

/** Names are few, and measuring them is slow. */
const widths = new Map<string, number>();

function widthOf(context: CanvasRenderingContext2D, name: string): number {
  let width = widths.get(name);
  if (width === undefined) {
    if (widths.size > 1000) widths.clear();
    widths.set(name, (width = context.measureText(name).width));
  }
  return width;
}
