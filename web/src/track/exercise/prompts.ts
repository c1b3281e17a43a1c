/** The questions that there are, the exercises made of them, and which of those an analysis can answer. */

import type { Analysis, components } from "@arsis/client";
import { client } from "../../api";
import { fieldOf } from "./compare/value";

type Template = components["schemas"]["PromptTemplate"];

export type Mode = "tap" | "mark" | "choice" | "loop" | "compare" | "label" | "annotate" | "draw" | "estimate" | "listen";

/** What a preset says of the way it is played, answered and compared; the server has checked types and ranges. */
export interface Config {
  readonly analysis_type?: string;
  readonly event_types?: readonly string[];
  readonly exclude_event_types?: readonly string[];
  readonly summary_field?: string;
  readonly frame_field?: string;
  readonly options?: readonly string[];
  readonly labels?: readonly string[];
  readonly tolerance_ms?: number;
  readonly tolerance?: number;
  readonly unit?: string;
  readonly accept_half_and_double_tempo?: boolean;
  readonly answers?: number;
  readonly show?: readonly string[];
  readonly zoom_ms_per_pixel?: number;
  readonly reveal?: "after_answer" | "at_once" | "never";
  readonly snap_to?: string;
  readonly click?: string;
  readonly start?: "beginning" | "random";
  readonly end_at?: string;
  readonly duration_ms?: number;
  readonly stop_after_ms?: number;
  readonly excerpts?: readonly number[];
  readonly excerpt_ms?: number;
  readonly loop_bars?: number;
  readonly limit_bars?: number;
  readonly bars_with_music?: number;
  readonly bars_muted?: number;
  readonly repeat?: number;
  readonly playback_rate?: number;
  readonly match_loudness?: boolean;
  readonly filter?: { readonly type: "lowpass" | "highpass"; readonly cutoff_hz: number };
  readonly category?: string;
}

/** A question made ready for one purpose. */
export interface Preset {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly mode: Mode;
  readonly config: Config;
}

/** A question, and the ways in which it can be answered. */
export interface Prompt {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly category: string;
  readonly difficulty: string;
  readonly question: string;
  readonly hints: readonly string[];
  readonly noticed: readonly string[];
  readonly presets: readonly Preset[];
}

/** Most pages of a list that are read: 1,000 questions are more than anybody chooses from. */
const MOST_PAGES = 10;

type Page<T> = { readonly items: readonly T[]; readonly next_cursor?: string | null };

async function all<T>(page: (cursor: string | undefined) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  for (let n = 0; n < MOST_PAGES; n += 1) {
    const got = await page(cursor);
    items.push(...got.items);
    cursor = got.next_cursor ?? undefined;
    if (!cursor) break;
  }
  return items;
}

/** All questions that are shown to listeners, in the order they are meant to be done. */
export async function loadPrompts(signal: AbortSignal): Promise<Prompt[]> {
  const query = (cursor: string | undefined) => ({ limit: 100, ...(cursor && { cursor }) });
  const [templates, presets] = await Promise.all([
    all((cursor) => client.call("get", "/v1/listening-prompts/templates", { query: query(cursor), signal })),
    all((cursor) => client.call("get", "/v1/listening-prompts/presets", { query: query(cursor), signal })),
  ]);
  return templates.map((template) => promptOf(template, presets.filter((preset) => preset.template_id === template.id)));
}

function promptOf(template: Template, presets: readonly components["schemas"]["PromptPreset"][]): Prompt {
  // In the order in which they were written, which goes from easy to hard.
  const inOrder = [...presets].sort((a, b) => a.created_at.localeCompare(b.created_at) || a.id.localeCompare(b.id));
  const made = inOrder.map(({ id, name, description, preset_type, config }): Preset => ({ id, name, description: description ?? "", mode: preset_type as Mode, config: config as Config }));
  // A question without a preset sends back to the music all the same, and leaves the answer to the listener.
  const listen: Preset = { id: `listen-${template.id}`, name: "Just listen", description: "Listen, think, and look at what may be noticed", mode: "listen", config: {} };
  return {
    id: template.id,
    name: template.name,
    description: template.description ?? "",
    category: template.category,
    difficulty: template.difficulty,
    question: template.prompt_text,
    hints: words(template.hints),
    noticed: words(template.expected_observations),
    presets: made.length ? made : [listen],
  };
}

const words = (value: unknown): string[] => (Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : []);

/** Which events each type of analysis finds. */
const EVENTS: Readonly<Record<string, readonly string[]>> = {
  rhythm: ["beat", "downbeat", "tatum", "onset"],
  tonal: ["key", "chord", "beat", "downbeat", "onset"],
  structure: ["section", "segment", "beat", "downbeat", "onset"],
  spectral: [],
};

/** Numbers of the summary that say how many events of a type there are. */
const COUNTS: Readonly<Record<string, string>> = { beat: "beat_count", downbeat: "bar_count", onset: "onset_count", section: "section_count", segment: "segment_count", chord: "chord_count" };

/** Why an analysis cannot answer an exercise, for the person; undefined where it can. */
export function unanswerable(preset: Preset, analysis: Analysis | null): string | undefined {
  const { config } = preset;
  if (preset.mode === "listen") return undefined;
  if (!analysis) return "This track has no analysis yet.";
  if (analysis.status !== "completed") return "The analysis is not finished yet.";
  if (config.summary_field && fieldOf(analysis.summary, config.summary_field) === undefined) return `This analysis has no ${config.summary_field.replaceAll(/[._]/g, " ")}.`;
  if (config.frame_field && analysis.analysis_type === "structure") return undefined;
  const needed = preset.mode === "label" ? ["section"] : preset.mode === "annotate" || preset.mode === "loop" ? [] : (config.event_types ?? []);
  const found = needed.filter((type) => hasEvents(analysis, type));
  return needed.length > 0 && found.length === 0 ? `No ${needed[0]}s were found in this track.` : undefined;
}

function hasEvents(analysis: Analysis, type: string): boolean {
  const finds = analysis.analysis_type === "full" || (EVENTS[analysis.analysis_type] ?? []).includes(type);
  const count = COUNTS[type] && fieldOf(analysis.summary, COUNTS[type]);
  return finds && (typeof count !== "number" || count > 0);
}

/** A name of the catalogue as words: `time_signature` is `time signature`. */
export const plain = (name: string): string => name.replaceAll("_", " ");

/** The same with a capital. */
export const title = (name: string): string => plain(name).replace(/^./, (first) => first.toUpperCase());
