/** Brings an answer together with what the analysis says, and has them compared. */

import { fieldOf } from "./compare/value";
import { near } from "./compare/marks";
import { mean } from "./compare/numbers";
import type { Exercise } from "./exercise";
import { scaled } from "./facts";
import type { Facts } from "./facts";
import { choiceOutcome, done, drawOutcome, estimateOutcome, labelOutcome, markOutcome, tapOutcome } from "./outcome";
import type { Outcome } from "./outcome";
import { lateness, number, times } from "./words";

/** Around marks, what lies a little before and after is looked at as well. */
const AROUND_MS = 10_000;

export async function check(exercise: Exercise): Promise<Outcome> {
  const { facts } = exercise;
  const mode = exercise.mode.peek();
  if (mode === "listen") return done("Heard", ["Compare what you noticed with the list below."]);
  if (!facts) throw new Error("There is no analysis to compare with.");
  const doing: Readonly<Record<typeof mode, (exercise: Exercise, facts: Facts) => Promise<Outcome> | Outcome>> = { tap, mark, choice, estimate, label, compare, draw, loop, annotate };
  return doing[mode](exercise, facts);
}

const answered = (exercise: Exercise): number[] => exercise.marks.peek().map((one) => one.timeMs);

async function tap(exercise: Exercise, facts: Facts): Promise<Outcome> {
  const [config, span] = [exercise.config.peek(), exercise.span.peek()!];
  // Stopped before the end: what was not heard was not missed. In the silence the music is not heard, but goes on.
  const toMs = Math.min(Math.max(exercise.heardToMs, answered(exercise).at(-1) ?? 0), span.toMs);
  const events = await facts.times(config.event_types ?? ["beat"], { fromMs: span.fromMs, toMs });
  return tapOutcome(answered(exercise), events, config, exercise.mutedFromMs);
}

async function mark(exercise: Exercise, facts: Facts): Promise<Outcome> {
  const [config, marks, whole] = [exercise.config.peek(), answered(exercise), exercise.span.peek()!];
  const types = config.event_types ?? [];
  const dense = types.some((type) => !["section", "key", "chord"].includes(type));
  const span = dense ? { fromMs: (marks[0] ?? whole.fromMs) - AROUND_MS, toMs: (marks.at(-1) ?? whole.fromMs) + AROUND_MS } : whole;
  const [events, excluded] = await Promise.all([facts.times(types, span), facts.times(config.exclude_event_types ?? [], span)]);
  return markOutcome(marks, events, excluded, config);
}

function choice(exercise: Exercise, facts: Facts): Outcome {
  const field = exercise.config.peek().summary_field!;
  const found = fieldOf(facts.analysis.summary, field);
  const what = field === "key.tonic" ? "tonic" : field === "key.mode" ? "third above the tonic" : field.replaceAll(/[._]/g, " ");
  return choiceOutcome(exercise.answer.peek(), String(found), what);
}

function estimate(exercise: Exercise, facts: Facts): Outcome {
  const config = exercise.config.peek();
  return estimateOutcome(Number(exercise.answer.peek().replace(",", ".")), Number(fieldOf(facts.analysis.summary, config.summary_field!)), config);
}

async function label(exercise: Exercise, facts: Facts): Promise<Outcome> {
  const durationMs = exercise.model.durationMs.peek();
  const marks = exercise.marks.peek();
  const given = marks.map((one, i) => ({ fromMs: one.timeMs, toMs: marks[i + 1]?.timeMs ?? durationMs, label: one.label || "?" }));
  return labelOutcome(given, await facts.sections(durationMs), exercise.config.peek());
}

/** How much two excerpts must differ for a listener to hear it: 2 % of tempo, 1 dB, a semitone of brightness. */
const DIFFERENCES: Readonly<Record<string, { readonly unit: string; readonly least: (value: number) => number }>> = {
  tempo_curve: { unit: "BPM", least: (value) => value * 0.02 },
  loudness: { unit: "LUFS", least: () => 1 },
  centroid: { unit: "semitones", least: () => 1 },
};

export const SAME = "about the same";

async function compare(exercise: Exercise, facts: Facts): Promise<Outcome> {
  const [config, excerpts] = [exercise.config.peek(), exercise.excerpts.peek()];
  const source = { frame: config.frame_field, summary: config.summary_field };
  const levels = await Promise.all(excerpts.map((one) => facts.level(source, one)));
  const known = levels.filter((one): one is number => one !== null);
  if (known.length < excerpts.length) return done("There is nothing measured to compare with", ["Compare what you noticed with the list below."]);
  const { unit, least } = DIFFERENCES[config.frame_field ?? config.summary_field ?? ""] ?? { unit: "", least: (value: number) => Math.abs(value) * 0.02 };
  const most = Math.max(...known);
  const found = most - Math.min(...known) < least(most) ? SAME : letter(known.indexOf(most));
  const outcome = choiceOutcome(exercise.answer.peek(), found, "difference");
  // Heights of brightness say nothing to an ear: how far apart they are does.
  const apart = most - Math.max(...known.filter((_, i) => letter(i) !== found));
  const bright = found === SAME ? "equally bright" : `${found} is brighter by ${number(apart)} semitones`;
  const said = known.map((value, i) => `${letter(i)} ${number(value)}`).join(", ") + (unit && ` ${unit}`);
  return { ...outcome, lines: [...outcome.lines, `Measured: ${config.frame_field === "centroid" ? bright : said}.`] };
}

export const letter = (index: number): string => String.fromCharCode(65 + index);

async function draw(exercise: Exercise, facts: Facts): Promise<Outcome> {
  const field = exercise.config.peek().frame_field!;
  return drawOutcome(exercise.curve.peek(), scaled(await facts.curve(field, exercise.span.peek()!)), field);
}

async function loop(exercise: Exercise, facts: Facts): Promise<Outcome> {
  const [types, span] = [exercise.config.peek().event_types ?? [], exercise.span.peek()!];
  const lines: string[] = [];
  if (types.includes("beat") && types.includes("onset")) lines.push(...(await against(facts, span)));
  const swing = fieldOf(facts.analysis.summary, "swing_ratio");
  if (types.includes("tatum") && typeof swing === "number") lines.push(`Swing ratio ${swing.toFixed(2)}: ${swing > 1.2 ? "the first of two notes is longer" : "even, straight notes"}. 1 is straight, 2 is a triplet.`);
  return done("Now with the picture", [...lines, "Compare what you noticed with the list below."]);
}

/** How onsets near the beats lie against them. */
async function against(facts: Facts, span: { fromMs: number; toMs: number }): Promise<string[]> {
  const [beats, onsets] = await Promise.all([facts.times(["beat"], span), facts.times(["onset"], span)]);
  const apart = onsets.filter((onset) => near(beats, onset, 60)).map((onset) => beats.map((beat) => onset - beat).reduce((a, b) => (Math.abs(a) < Math.abs(b) ? a : b)));
  if (apart.length === 0) return [];
  const by = mean(apart);
  return [`${times(apart.length, "onset")} near a beat, ${Math.abs(by) < 5 ? "on it within 5 ms" : lateness(by)} on average.`];
}

async function annotate(exercise: Exercise, facts: Facts): Promise<Outcome> {
  const [notes, config] = [exercise.notes.peek(), exercise.config.peek()];
  const lines: string[] = [];
  if (config.event_types?.includes("section") && notes.length > 0) {
    const sections = await facts.times(["section"], { fromMs: 0, toMs: exercise.model.durationMs.peek() });
    const at = notes.filter((note) => near(sections, note.timeMs, 1000)).length;
    if (sections.length) lines.push(`${at} of them where a section begins, within 1 s.`);
  }
  return done(notes.length ? `${times(notes.length, "note")} written` : "Nothing written", notes.length ? lines : ["What is not written down is soon forgotten: try a single word."]);
}
