/** The exercise that is open on a track: what is asked, what was answered by now, and what came of it. */

import { batch, computed, effect, signal } from "@preact/signals";
import { tellError } from "../../notices";
import { editingOf } from "../edit/editing";
import type { TrackModel } from "../model";
import { show } from "../view";
import type { Span } from "../view";
import { check } from "./check";
import type { CurvePoint } from "./compare/curve";
import { concealedBy, NOTHING } from "./conceal";
import type { Part } from "./conceal";
import { Facts } from "./facts";
import type { Outcome } from "./outcome";
import { pastOf, remember } from "./past";
import { Performance, plainly } from "./playing";
import type { Playing } from "./playing";
import { loadPrompts } from "./prompts";
import type { Config, Mode, Preset, Prompt } from "./prompts";
import { excerptsOf, spanFor } from "./spans";

/** A place that the listener marked. */
export interface Mark {
  readonly id: number;
  readonly timeMs: number;
  /** Name of the section that begins there. */
  readonly label: string;
}

export type Phase = "choosing" | "ready" | "answering" | "checking" | "checked";

/** Most marks of one answer. */
const MOST_MARKS = 2_000;
/** How near an event must be for a mark to jump to it. */
const SNAP_MS = 4_000;

export class Exercise {
  readonly prompts = signal<readonly Prompt[] | null>(null);
  readonly phase = signal<Phase>("choosing");
  readonly prompt = signal<Prompt | null>(null);
  readonly preset = signal<Preset | null>(null);
  readonly span = signal<Span | null>(null);
  readonly excerpts = signal<readonly Span[]>([]);
  readonly marks = signal<readonly Mark[]>([]);
  readonly curve = signal<readonly CurvePoint[]>([]);
  /** What was chosen, or the number that was guessed, as it was typed. */
  readonly answer = signal("");
  /** Annotations that were written: when, and their titles. */
  readonly notes = computed(() =>
    this.#noted.value.flatMap((key) => {
      const note = editingOf(this.model).annotations.at(key);
      return note ? [{ key, timeMs: note.start_time_ms, title: note.title }] : [];
    }),
  );
  readonly outcome = signal<Outcome | null>(null);
  readonly performing = signal(false);
  readonly past;
  readonly mode = computed<Mode>(() => this.preset.value?.mode ?? "listen");
  readonly config = computed<Config>(() => this.preset.value?.config ?? {});
  /** What must not be seen now. */
  readonly concealed = computed<ReadonlySet<Part>>(() => {
    const [phase, preset] = [this.phase.value, this.preset.value];
    if (!preset || phase === "choosing") return NOTHING;
    if (phase === "checked" && preset.config.reveal !== "never") return NOTHING;
    return concealedBy(preset.mode, preset.config);
  });
  mutedFromMs: number | null = null;
  #performance: Performance | null = null;
  readonly #noted = signal<readonly number[]>([]);
  #levels: readonly number[] = [];
  #last = 0;
  #heardToMs = 0;
  /** Grows with each start, so that what was asked for an earlier one is dropped. */
  #round = 0;
  /** Grows whenever something else is to be played, or nothing. */
  #plays = 0;

  constructor(readonly model: TrackModel) {
    this.past = signal(pastOf(model.trackId));
    const stop = effect(() => void (model.concealed.value = this.concealed.value));
    model.signal.addEventListener("abort", () => (stop(), this.stopPlaying()), { once: true });
  }

  get facts(): Facts | null {
    const analysis = this.model.analysis.peek();
    return analysis && new Facts(analysis, this.model.signal);
  }

  async load(): Promise<void> {
    this.prompts.value = await loadPrompts(this.model.signal);
  }

  choose(prompt: Prompt, preset: Preset = prompt.presets[0]!): void {
    this.stopPlaying();
    this.#round += 1;
    batch(() => {
      this.prompt.value = prompt;
      this.preset.value = preset;
      this.phase.value = "ready";
      this.#empty();
    });
  }

  leave(): void {
    this.stopPlaying();
    this.#round += 1;
    batch(() => {
      this.phase.value = "choosing";
      this.preset.value = this.prompt.value = null;
      this.#empty();
    });
  }

  #empty(): void {
    this.marks.value = [];
    this.curve.value = [];
    this.#noted.value = [];
    this.excerpts.value = [];
    this.answer.value = "";
    this.outcome.value = null;
    this.span.value = null;
    this.mutedFromMs = null;
    this.#heardToMs = 0;
  }

  /** Finds out what is to be played, shows it, and begins. */
  async start(): Promise<void> {
    const { model, facts } = this;
    const round = (this.#round += 1);
    const [config, durationMs] = [this.config.peek(), model.durationMs.peek()];
    this.stopPlaying();
    batch(() => (this.#empty(), (this.phase.value = "answering")));
    try {
      const places = {
        durationMs,
        hereMs: model.selection.peek()?.fromMs ?? model.player.timeMs.peek(),
        downbeats: async (span: Span) => (await facts?.times(["downbeat"], span)) ?? [],
        strongestSection: async () => (await facts?.strongestSection(durationMs)) ?? null,
        random: Math.random,
      };
      const played = await spanFor(config, places);
      const [mode, needsSections] = [this.mode.peek(), this.mode.peek() === "label" || (this.mode.peek() === "compare" && !config.excerpts)];
      const sections = needsSections && facts ? await facts.sections(durationMs) : [];
      const excerpts = mode === "compare" ? excerptsOf(config, durationMs, sections.map((one) => one.fromMs)) : [];
      if (config.match_loudness && facts) this.#levels = await Promise.all(excerpts.map(async (one) => (await facts.level({ frame: "loudness" }, one)) ?? 0));
      else this.#levels = [];
      if (round !== this.#round) return;
      batch(() => {
        this.span.value = played.span;
        this.mutedFromMs = played.mutedFromMs;
        this.excerpts.value = excerpts;
        if (mode === "label") this.#prefill(config.show?.includes("sections") ? sections.map((one) => one.fromMs) : [0]);
        this.#look(played.span, config);
      });
      if (mode !== "compare" && mode !== "label" && mode !== "estimate") await this.#playSpan();
    } catch (error) {
      if (round !== this.#round || model.signal.aborted) return;
      this.phase.value = "ready";
      tellError(error, "The exercise could not begin", { label: "Try again", run: () => void this.start() });
    }
  }

  /** Sections begin there; the listener names them. */
  #prefill(times: readonly number[]): void {
    this.marks.value = times.map((timeMs) => ({ id: (this.#last += 1), timeMs, label: "" }));
  }

  #look(span: Span, { zoom_ms_per_pixel: scale }: Config): void {
    const { view, durationMs } = this.model;
    const toMs = scale ? Math.min(span.toMs, span.fromMs + scale * view.peek().widthPx) : span.toMs;
    view.value = show(view.peek(), { fromMs: span.fromMs, toMs }, durationMs.peek());
  }

  /** Plays what the exercise plays, from its beginning. */
  play(): void {
    this.#playSpan().catch((error: unknown) => {
      if (!this.model.signal.aborted) tellError(error, "The exercise could not be played", { label: "Try again", run: () => this.play() });
    });
  }

  async #playSpan(): Promise<void> {
    const [span, config] = [this.span.peek(), this.config.peek()];
    if (!span) return;
    const mode = this.mode.peek();
    const loop = config.loop_bars !== undefined && mode !== "tap" && config.repeat === undefined;
    const plays = (this.#plays += 1);
    const clicked = config.click ? await this.facts?.times([config.click], span) : undefined;
    // Meanwhile something else was to be played, or nothing more.
    if (plays !== this.#plays) return;
    this.#perform({ span, loop, times: config.repeat ?? 1, rate: config.playback_rate ?? 1, silentFromMs: this.mutedFromMs, level: 1, filter: config.filter });
    if (clicked) this.model.player.voices.value = [{ timesMs: clicked, hz: 1600 }];
  }

  playExcerpt(index: number): void {
    const [span, levels] = [this.excerpts.peek()[index], this.#levels];
    if (!span) return;
    const quietest = Math.min(...levels);
    const level = levels.length ? 10 ** (-(levels[index]! - quietest) / 20) : 1;
    this.#perform({ ...plainly(span), rate: this.config.peek().playback_rate ?? 1, level, filter: this.config.peek().filter });
  }

  /** Plays a part once, as it is. */
  playStretch(span: Span): void {
    this.#perform({ ...plainly(span), rate: this.config.peek().playback_rate ?? 1 });
  }

  /** Plays with the answer and the analysis as clicks of two tones. */
  hear(): void {
    const [span, outcome] = [this.span.peek(), this.outcome.peek()];
    if (!span || !outcome) return;
    const mine = outcome.marks.map((mark) => mark.timeMs);
    const theirs = outcome.events.map((event) => event.timeMs);
    this.#perform(plainly(span));
    this.model.player.voices.value = [{ timesMs: theirs, hz: 1600 }, { timesMs: mine, hz: 700 }];
  }

  #perform(playing: Playing): void {
    this.stopPlaying();
    this.performing.value = true;
    this.#performance = new Performance(this.model.player, playing, (isHeard) => this.#over(isHeard));
  }

  /** What was to be played is over. Heard to its end, taps are compared at once: there is nothing left to tap to. */
  #over(isHeard: boolean): void {
    this.#hush();
    if (isHeard && this.phase.peek() === "answering" && this.mode.peek() === "tap" && this.marks.peek().length > 0) void this.check();
  }

  stopPlaying(): void {
    this.#plays += 1;
    this.#performance?.end();
    this.#hush();
  }

  #hush(): void {
    this.#heardToMs = Math.max(this.#heardToMs, this.#performance?.heardToMs ?? 0);
    this.#performance = null;
    this.model.player.voices.value = [];
    this.performing.value = false;
  }

  /** Up to where this was heard: what came later was not missed. */
  get heardToMs(): number {
    return Math.max(this.#heardToMs, this.#performance?.heardToMs ?? 0);
  }

  mark(timeMs: number): void {
    const durationMs = this.model.durationMs.peek();
    if (this.phase.peek() !== "answering" || this.marks.peek().length >= this.#most) return;
    const id = (this.#last += 1);
    const at = Math.min(Math.max(Math.round(timeMs), 0), durationMs);
    this.marks.value = sorted([...this.marks.peek(), { id, timeMs: at, label: "" }]);
    void this.snap(id);
  }

  /** Lets a mark jump to the nearest event of the type that the preset names. */
  async snap(id: number): Promise<void> {
    const type = this.config.peek().snap_to;
    const mark = this.marks.peek().find((one) => one.id === id);
    if (!type || !mark || !this.facts) return;
    try {
      const near = await this.facts.times([type], { fromMs: mark.timeMs - SNAP_MS, toMs: mark.timeMs + SNAP_MS });
      const nearest = near.sort((a, b) => Math.abs(a - mark.timeMs) - Math.abs(b - mark.timeMs))[0];
      const still = this.marks.peek().find((one) => one.id === id)?.timeMs === mark.timeMs;
      if (nearest !== undefined && still) this.move(id, nearest);
    } catch {
      // The mark stays where it was put, which is an answer as well.
    }
  }

  /** What is asked for is enough, where it is said how many. */
  get #most(): number {
    return (this.mode.peek() === "mark" && this.config.peek().answers) || MOST_MARKS;
  }

  /** A note that is on its way to being an annotation. */
  note(key: number): void {
    this.#noted.value = [...this.#noted.peek(), key];
  }

  move(id: number, timeMs: number): void {
    const at = Math.min(Math.max(Math.round(timeMs), 0), this.model.durationMs.peek());
    this.marks.value = sorted(this.marks.peek().map((mark) => (mark.id === id ? { ...mark, timeMs: at } : mark)));
  }

  label(id: number, label: string): void {
    this.marks.value = this.marks.peek().map((mark) => (mark.id === id ? { ...mark, label } : mark));
  }

  remove(id: number): void {
    this.marks.value = this.marks.peek().filter((mark) => mark.id !== id);
  }

  /** Compares the answer with the analysis. */
  async check(): Promise<void> {
    if (this.phase.peek() !== "answering") return;
    const round = this.#round;
    this.stopPlaying();
    this.phase.value = "checking";
    try {
      const outcome = await check(this);
      if (round !== this.#round) return;
      batch(() => ((this.outcome.value = outcome), (this.phase.value = "checked")));
      const [prompt, preset] = [this.prompt.peek()!, this.preset.peek()!];
      this.past.value = remember(this.model.trackId, { presetId: preset.id, name: prompt.name, at: Date.now(), score: outcome.score, headline: outcome.headline });
    } catch (error) {
      if (round !== this.#round || this.model.signal.aborted) return;
      this.phase.value = "answering";
      tellError(error, "The answer could not be compared", { label: "Try again", run: () => void this.check() });
    }
  }
}

const sorted = (marks: readonly Mark[]): Mark[] => [...marks].sort((a, b) => a.timeMs - b.timeMs);

const exercises = new WeakMap<TrackModel, Exercise>();

/** The one of a track's page: its panel and its lane share it. */
export function exerciseOf(model: TrackModel): Exercise {
  const exercise = exercises.get(model) ?? new Exercise(model);
  exercises.set(model, exercise);
  return exercise;
}
