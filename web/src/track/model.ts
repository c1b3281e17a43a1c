/** All that is known of the track that is open, and what its parts share. Made by the page, handed down as a context. */

import type { Analysis, Event, Track } from "@arsis/client";
import { batch, computed, effect, signal } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { client } from "../api";
import { onRenewal } from "../connection";
import { tellError } from "../notices";
import { noticeEnd } from "../session";
import { Beats } from "./beats";
import { EventWindows } from "./events";
import type { Part } from "./exercise/conceal";
import { Blocks } from "./frames/blocks";
import { GrowingSource } from "./frames/growing";
import type { FrameSource } from "./frames/source";
import { StoredSource } from "./frames/stored";
import { History } from "./history";
import { Player } from "./playback/player";
import { corrected, summaryOf } from "./summary";
import { clamp, whole } from "./view";
import type { Span, View } from "./view";

/** Half an hour has some 800 chords. */
const CHORDS_MS = 1_024_000;
/** Sections and keys of the longest track are fewer. */
const MOST_PAGES = 5;

export class TrackModel {
  readonly track = signal<Track | null>(null);
  /** The analyses of the track, newest first; null while they are not known. */
  readonly analyses = signal<readonly Analysis[] | null>(null);
  /** The analysis that is shown: the newest completed one, or the newest. */
  readonly analysis = signal<Analysis | null>(null);
  /** Why the track or its analyses could not be read; null while all is well. */
  readonly failure = signal<unknown>(null);
  /** Grows with each showing of an analysis, of the same one too. */
  readonly shows = signal(0);
  /** Its frames, as soon as there are any. */
  readonly source = signal<FrameSource | null>(null);
  /** Those that were fetched. */
  readonly blocks = new Blocks();
  /** Length of the track, or of what is known of it by now, in ms; 0 while nothing is. */
  readonly durationMs = computed(() => this.track.value?.duration_ms ?? this.analysis.value?.progress.total_ms ?? this.source.value?.availableMs ?? 0);
  readonly view = signal<View>({ fromMs: 0, msPerPx: 10, widthPx: 0 });
  /** What the person has marked on the timeline: for loops, regions, annotations and answers. */
  readonly selection = signal<Span | null>(null);
  /** What is not to be seen now, since it would give an exercise's answer away. */
  readonly concealed = signal<ReadonlySet<Part>>(new Set());
  /** Whether the view goes along with playback. */
  readonly follows = signal(true);
  readonly beats = new Beats(this.concealed);
  /** What is said of the whole, as far as the person corrected it by that. */
  readonly summary = computed(() => corrected(summaryOf(this.analysis.value), this.beats.corrected.value));
  readonly chords = new EventWindows("chord", CHORDS_MS);
  readonly sections = signal<readonly Event[]>([]);
  readonly keys = signal<readonly Event[]>([]);
  readonly history = new History();
  readonly player: Player;
  readonly #gone = new AbortController();
  readonly #stops: (() => void)[] = [];
  /** Ends with the analysis that is shown. */
  #shown = new AbortController();
  #attempt: string | null = null;
  /** Whether the analysis that is shown could not be read, or not to its end. */
  #isLost = false;
  /** The length for which the view was made. */
  #fitted = 0;

  constructor(readonly trackId: string) {
    this.player = new Player(trackId);
    this.#stops.push(effect(() => this.#fit(this.durationMs.value)));
    this.#stops.push(effect(() => void (this.blocks.failure.value !== null && noticeEnd(this.blocks.failure.value))));
    this.#stops.push(onRenewal(() => this.#renew()));
  }

  /** Ends with the page: to be passed to every request made for it. */
  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  /** Reads the track and its analyses; `failure` says where that did not work. */
  async load(): Promise<void> {
    this.failure.value = null;
    try {
      this.track.value = await client.track(this.trackId, { signal: this.signal });
      const analyses = await this.#list();
      const shown = analyses.find((one) => one.status === "completed") ?? analyses[0];
      if (shown) this.show(shown);
    } catch (error) {
      if (this.signal.aborted) return;
      noticeEnd(error);
      this.failure.value = error;
    }
  }

  /** Shows an analysis: follows it while it is not over, then reads its results. */
  show(analysis: Analysis): void {
    this.#shown.abort();
    this.#shown = new AbortController();
    const aborted = this.#shown.signal;
    this.#attempt = null;
    this.#isLost = false;
    batch(() => {
      this.analysis.value = analysis;
      this.source.value = null;
      [this.sections.value, this.keys.value] = [[], []];
      this.beats.corrected.value = null;
      this.shows.value += 1;
    });
    this.blocks.use(null, true);
    this.#useEvents(null);
    this.#follow(analysis, aborted).catch((error: unknown) => {
      if (aborted.aborted) return;
      this.#isLost = true;
      tellError(error, "The analysis could not be read", { label: "Try again", run: () => this.show(this.analysis.peek() ?? analysis) });
    });
  }

  /** Reads anew what could not be read. */
  #renew(): void {
    const analysis = this.analysis.peek();
    if (this.failure.peek() !== null) return void this.load();
    if (this.#isLost && analysis) return this.show(analysis);
    this.blocks.retry();
    this.beats.retry();
    this.chords.retry();
  }

  /** Asks for another analysis of the track, and shows it. */
  async analyze(): Promise<void> {
    const made = await client.analyze(this.trackId, {}, { signal: this.signal });
    this.show(made);
    await this.#list();
  }

  /** Has a failed analysis done again. */
  async retry(analysis: Analysis): Promise<void> {
    this.show((await client.call("post", "/v1/analyses/{analysis_id}/retry", { path: { analysis_id: analysis.id }, signal: this.signal })) as Analysis);
  }

  dispose(): void {
    this.#gone.abort();
    this.#shown.abort();
    for (const stop of this.#stops) stop();
    this.blocks.dispose();
    this.#useEvents(null);
    this.player.dispose();
  }

  async #list(): Promise<readonly Analysis[]> {
    const analyses: Analysis[] = [];
    for await (const one of client.analyses(this.trackId, { signal: this.signal })) analyses.push(one);
    this.analyses.value = analyses;
    return analyses;
  }

  async #follow(analysis: Analysis, aborted: AbortSignal): Promise<void> {
    let last = analysis;
    if (!isOver(analysis)) {
      for await (const state of client.follow(analysis.id, { signal: aborted })) {
        last = state;
        // Completed, it is told once its results are there: so nothing is empty in between.
        if (state.status !== "completed") this.analysis.value = state;
        if (state.status === "running") await this.#grow(state, aborted);
      }
      if (!isOver(last)) last = await client.analysis(analysis.id, { signal: aborted });
      this.track.value = await client.track(this.trackId, { signal: aborted });
    }
    if (last.status === "completed") await this.#complete(last, aborted);
    else this.analysis.value = last;
    if (last !== analysis) await this.#list();
  }

  /** What there is of it by now. Frames of another attempt are thrown away. */
  async #grow(state: Analysis, aborted: AbortSignal): Promise<void> {
    const source = await GrowingSource.look(state.id, aborted);
    if (!source) return;
    const anew = this.#attempt !== source.attempt;
    this.#attempt = source.attempt;
    this.blocks.use(source, anew);
    this.source.value = source;
  }

  async #complete(analysis: Analysis, aborted: AbortSignal): Promise<void> {
    const results = await client.results(analysis.id, { signal: aborted });
    const source = new StoredSource(results);
    // What was drawn as it grew is what there is in the end, if the last attempt that was seen is the one that ended.
    const grown = this.source.peek();
    const same = grown instanceof GrowingSource && (this.analysis.peek()?.attempt ?? -1) === analysis.attempt;
    batch(() => {
      this.analysis.value = analysis;
      this.blocks.use(source, !same);
      this.source.value = source;
      this.#useEvents(analysis.id);
    });
    [this.sections.value, this.keys.value] = await Promise.all([eventsOf(analysis.id, "section", aborted), eventsOf(analysis.id, "key", aborted)]);
  }

  #useEvents(analysisId: string | null): void {
    this.beats.use(analysisId);
    this.chords.use(analysisId);
  }

  /** A length that becomes known, or another, changes what the whole is. */
  #fit(durationMs: number): void {
    const view = this.view.peek();
    const wasWhole = view.msPerPx * view.widthPx >= this.#fitted;
    this.#fitted = durationMs;
    if (view.widthPx > 0) this.view.value = wasWhole ? whole(durationMs, view.widthPx) : clamp(view, durationMs);
  }
}

const isOver = (analysis: Analysis): boolean => analysis.status === "completed" || analysis.status === "error";

async function eventsOf(analysis_id: string, type: string, aborted: AbortSignal): Promise<readonly Event[]> {
  const events: Event[] = [];
  for await (const event of client.events(analysis_id, { type }, { signal: aborted })) {
    events.push(event);
    if (events.length >= MOST_PAGES * 1000) break;
  }
  return events;
}

export const TrackContext = createContext<TrackModel | null>(null);

export function useTrack(): TrackModel {
  const model = useContext(TrackContext);
  if (!model) throw new Error("this part of the page belongs into a TrackPage");
  return model;
}
