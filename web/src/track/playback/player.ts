/** Plays the track's audio, and knows what is being heard. */

import { batch, effect, signal } from "@preact/signals";
import { onRenewal } from "../../connection";
import type { Span } from "../view";
import { Deck } from "./deck";
import { Entry } from "./entry";
import { diagnose } from "./failure";
import { SmoothClock } from "./fit";
import { Graph } from "./graph";
import { Metronome } from "./metronome";
import type { BeatSource, Heard, Voice } from "./metronome";
import { keepPlace, placeOf } from "./resume";
import { AS_IT_IS } from "./shape";
import type { Shape } from "./shape";
import { Sound } from "./sound";
import type { Clicks } from "./sound";
import { knownLead, leadAt } from "./stretch";
import { Turns } from "./turns";

/** Why there is no sound, for the person. */
export type PlayerFailure = { readonly kind: "format" | "network" | "other"; readonly title: string; readonly detail: string };

/** What the player needs to know of the track besides its audio. */
export interface Around {
  readonly beats: BeatSource;
  readonly durationMs: () => number;
}

export const RATES = { least: 0.25, most: 2 } as const;
/** A loop is this long at least. */
export const LEAST_LOOP_MS = 100;
const TICK_MS = 20;
const KEEP_MS = 2_000;
/** A speed counts as chosen once it was not changed for so long: measurements are for those. */
const SETTLED_MS = 250;

export class Player {
  /** What is heard now, in ms: the media clock less the latency of the output. Changes with each picture while it plays. */
  readonly timeMs = signal(0);
  readonly playing = signal(false);
  readonly rate = signal(1);
  /** What is played again and again. */
  readonly loop = signal<Span | null>(null);
  readonly failure = signal<PlayerFailure | null>(null);
  /** What clicks besides the metronome. */
  readonly voices = signal<readonly Voice[]>([]);
  /** Whether playing waits for bytes. */
  readonly waiting = signal(false);
  /** Grows with each jump in time. */
  readonly seeks = signal(0);
  readonly sound: Sound;
  readonly #trackId: string;
  readonly #metronome: Metronome;
  readonly #turns: Turns;
  readonly #clock = new SmoothClock();
  readonly #gone = new AbortController();
  readonly #stops: readonly (() => void)[];
  #around: Around | null = null;
  #graph: Graph | null = null;
  #deck: Deck;
  /** Nothing before this place, and nothing before this time of the context, belongs to what plays since the last jump. */
  #from = { ms: 0, heardS: -Infinity };
  #entry: Entry | null = null;
  #leadS = 0;
  #stopAtMs: number | null = null;
  #shape = AS_IT_IS;
  #timer = 0;
  #settling = 0;
  #frame = 0;
  #keptAt = 0;
  #wasPlaying = false;
  #isDiagnosing = false;

  constructor(trackId: string) {
    this.#trackId = trackId;
    this.#turns = new Turns(() => this.#makeDeck());
    this.sound = new Sound((all, music, clicks) => this.#graph?.setLevels(all, music, clicks));
    this.#metronome = new Metronome(this.sound.clicks);
    this.#deck = this.#makeDeck();
    const place = placeOf(trackId);
    if (place > 0) this.seek(place);
    this.#stops = [
      effect(() => {
        const loop = this.loop.value;
        this.#turns.cancel(this.#deck);
        this.#metronome.cancel();
        if (loop && (this.timeMs.peek() < loop.fromMs || this.timeMs.peek() >= loop.toMs)) this.seek(loop.fromMs);
      }),
      effect(() => void ((this.clicks.on.value || this.voices.value.length > 0) && this.#learnLead())),
      effect(() => {
        this.#metronome.cancel();
        this.#metronome.voices = this.voices.value;
      }),
      onRenewal(() => this.failure.peek()?.kind === "network" && void this.retry(this.#wasPlaying)),
    ];
    addEventListener("pagehide", () => keepPlace(trackId, this.timeMs.peek()), { signal: this.#gone.signal });
  }

  get element(): HTMLAudioElement {
    return this.#deck.element;
  }

  /** The metronome: whether it clicks, how loud, on which beats. */
  get clicks(): Clicks {
    return this.sound.clicks;
  }

  /** Tells what is around the audio. */
  attach(around: Around): void {
    this.#around = around;
    this.#metronome.attach(around.beats);
  }

  async play(): Promise<void> {
    if (this.playing.peek()) return;
    const last = this.#durationMs() - 50;
    if (last > 0 && this.timeMs.peek() >= last) this.seek(this.loop.peek()?.fromMs ?? 0);
    this.#wasPlaying = false;
    // An element that failed refuses to play, and fires no further event.
    if (this.#deck.element.error) this.#deck.reload(this.timeMs.peek() / 1000);
    batch(() => ((this.playing.value = true), (this.failure.value = null)));
    try {
      await this.#start();
    } catch (error) {
      const name = error instanceof DOMException ? error.name : "";
      if (name === "NotAllowedError") this.pause();
      // Stopped before it began.
      else if (name !== "AbortError") void this.#fail(this.#deck.element.error);
    }
  }

  pause(): void {
    if (!this.playing.peek()) return;
    this.playing.value = this.waiting.value = false;
    this.#halt();
    // On what was heard last: what was under way to the ear is played when it goes on.
    this.#deck.seek(this.timeMs.peek() / 1000);
    keepPlace(this.#trackId, this.timeMs.peek());
  }

  toggle(): void {
    if (this.playing.peek()) this.pause();
    else void this.play();
  }

  seek(ms: number): void {
    const duration = this.#durationMs();
    const at = Math.max(0, duration > 0 ? Math.min(ms, duration) : ms);
    this.#metronome.cancel();
    this.#turns.cancel(this.#deck);
    this.#entry = this.#stopAtMs = null;
    this.#from = { ms: at, heardS: -Infinity };
    this.#deck.seek(at / 1000);
    if (this.playing.peek() && this.#deck.element.paused) void this.#deck.element.play().catch(() => undefined);
    batch(() => ((this.timeMs.value = at), (this.seeks.value += 1)));
  }

  nudge(ms: number): void {
    this.seek(this.timeMs.peek() + ms);
  }

  setRate(rate: number): void {
    const to = Math.min(Math.max(rate, RATES.least), RATES.most);
    this.#metronome.cancel();
    this.#turns.cancel(this.#deck);
    this.#deck.setRate(to);
    // What is on its way still has the old rate.
    if (this.#graph) this.#from = { ms: this.timeMs.peek(), heardS: this.#graph.context.currentTime + this.#deck.delayS };
    if (this.rate.peek() !== to) this.#setLead(0);
    this.rate.value = to;
    this.#learnLead();
  }

  /** Lets the music sound otherwise, until it is said again. */
  setShape(shape: Shape): void {
    this.#shape = shape;
    this.#graph?.shaper.set(shape);
    this.#graph?.shaper.silentFrom(this.#silentFromS());
  }

  /** Plays a span alone, once or again and again. */
  playSpan(span: Span, { loop = false }: { readonly loop?: boolean } = {}): void {
    this.loop.value = loop ? span : null;
    this.seek(span.fromMs);
    if (!loop) this.#stopAtMs = span.toMs;
    void this.play();
  }

  /** What was heard when something happened: a tap, a key. Exact to the event's own time, however late it is handled. */
  tapTimeMs(event: Event): number {
    return this.playing.peek() ? this.#heardMs(event.timeStamp) : this.timeMs.peek();
  }

  /** Tries again after a failure, from the place that was kept. */
  async retry(plays = true): Promise<void> {
    const at = this.timeMs.peek();
    this.failure.value = null;
    this.#deck.reload(at / 1000);
    this.seek(at);
    if (plays) await this.play();
  }

  /** Beats between two times, as the metronome knows them. */
  beats(span: Span): ReturnType<Metronome["beats"]> {
    return this.#metronome.beats(span, this.#gone.signal);
  }

  dispose(): void {
    this.#gone.abort();
    keepPlace(this.#trackId, this.timeMs.peek());
    this.playing.value = false;
    clearTimeout(this.#settling);
    this.#halt();
    this.#stops.forEach((stop) => stop());
    this.sound.dispose();
    this.#metronome.dispose();
    this.#turns.dispose();
    this.#deck.dispose();
    this.#graph?.dispose();
  }

  #durationMs(): number {
    return this.#around?.durationMs() || (this.#deck.element.duration || 0) * 1000;
  }

  /** The graph comes with the first wish to hear something: browsers let no sound out before a gesture. */
  async #start(): Promise<void> {
    if (!this.#graph) {
      this.#graph = new Graph();
      this.#deck.connect(this.#graph);
      this.sound.apply();
      this.setShape(this.#shape);
    }
    const graph = this.#graph;
    this.#clock.reset();
    clearInterval(this.#timer);
    this.#timer = window.setInterval(this.#tick, TICK_MS);
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(this.#picture);
    await graph.resume();
    if (!this.playing.peek()) return;
    this.#learnLead();
    if (await this.#countIn(graph)) return;
    await this.#deck.element.play();
  }

  /** Counts a bar, where that is wished and there are beats to count by; the music then enters on time. */
  async #countIn(graph: Graph): Promise<boolean> {
    const { on, countIn } = this.clicks;
    if (!on.peek() || !countIn.peek()) return false;
    const at = this.timeMs.peek();
    const beats = await this.beats({ fromMs: at - 50, toMs: at + 12_000 }).catch(() => []);
    const [first, second] = beats;
    if (!first || !second || !this.playing.peek()) return false;
    const count = Math.max(...beats.map((beat) => beat.position ?? 0)) || 4;
    const stepS = (second.timeMs - first.timeMs) / 1000 / this.rate.peek();
    const firstS = graph.context.currentTime + 0.1;
    for (let i = 0; i < count; i += 1) this.#metronome.click(graph, firstS + i * stepS, i === 0);
    // The first beat of the music follows on the last of the count.
    this.#entry = new Entry(this.#deck, at, firstS + count * stepS - (first.timeMs - at) / 1000 / this.rate.peek());
    return true;
  }

  /** Finds out how far the sound is ahead of the clock at this speed, where something has to be in time with it. */
  #learnLead(): void {
    const [graph, rate] = [this.#graph, this.rate.peek()];
    clearTimeout(this.#settling);
    if (!graph || graph.context.state !== "running" || (rate === 1 && !this.clicks.on.peek() && this.voices.peek().length === 0)) return;
    const known = knownLead(rate);
    if (known !== null) return this.#setLead(known);
    const measure = async (): Promise<void> => {
      const leadS = await leadAt(graph.context, rate);
      if (rate === this.rate.peek() && !this.#gone.signal.aborted) this.#setLead(leadS);
    };
    this.#settling = window.setTimeout(() => void measure(), SETTLED_MS);
  }

  #setLead(leadS: number): void {
    // Clicks that are placed already stay, unless they would be heard to be elsewhere.
    if (Math.abs(leadS - this.#leadS) > 0.001) this.#metronome.cancel();
    this.#leadS = leadS;
    this.#deck.fit.leadS = leadS;
    this.#turns.setLead(leadS);
  }

  #halt(): void {
    clearInterval(this.#timer);
    this.#deck.element.pause();
    this.#turns.cancel(this.#deck);
    this.#entry = null;
    this.#metronome.cancel();
  }

  #makeDeck(): Deck {
    const deck = new Deck(`/v1/tracks/${this.#trackId}/audio`);
    const on = (event: string, run: () => void): void =>
      deck.element.addEventListener(event, () => deck === this.#deck && run(), { signal: this.#gone.signal });
    on("error", () => void this.#fail(deck.element.error));
    on("waiting", () => ((this.waiting.value = this.playing.peek()), deck.fit.reset(this.rate.peek())));
    on("playing", () => (this.waiting.value = false));
    on("ended", () => this.#turns.isEntering || this.#end());
    // Not by us: the system took the sound away.
    on("pause", () => this.playing.peek() && !deck.element.ended && !this.#entry && this.pause());
    if (this.#graph) deck.connect(this.#graph);
    deck.fit.leadS = this.#leadS;
    return deck;
  }

  /** The element is at its end; the ear comes there a little later. */
  #end(): void {
    const seeks = this.seeks.peek();
    const later = (this.#deck.delayS + (this.#graph?.latencyS ?? 0)) * 1000;
    setTimeout(() => {
      if (!this.playing.peek() || this.seeks.peek() !== seeks || this.#turns.isEntering) return;
      batch(() => ((this.playing.value = false), (this.timeMs.value = this.#durationMs())));
      this.#halt();
    }, later);
  }

  async #fail(error: MediaError | null): Promise<void> {
    this.#wasPlaying ||= this.playing.peek();
    this.pause();
    // An element that is asked to play and fails says so twice.
    if (this.#isDiagnosing) return;
    this.#isDiagnosing = true;
    const failure = await diagnose(this.#trackId, error, this.#gone.signal);
    this.#isDiagnosing = false;
    if (!this.#gone.signal.aborted) this.failure.value = failure;
  }

  #heardMs(nowMs: number): number {
    const heardS = this.#clock.at(nowMs) - (this.#graph?.latencyS ?? 0);
    const ms = this.#deck.msAt(heardS);
    const duration = this.#durationMs();
    return Math.min(Math.max(ms ?? this.#from.ms, this.#from.ms), duration > 0 ? duration : Infinity);
  }

  #picture = (): void => {
    if (!this.playing.peek()) return;
    this.#tick();
    const now = performance.now();
    const ms = this.#heardMs(now);
    // Never back while it plays: a clock that is known better by now waits until it is caught up.
    this.timeMs.value = ms < this.timeMs.peek() && this.timeMs.peek() - ms < 200 ? this.timeMs.peek() : ms;
    if (now - this.#keptAt > KEEP_MS) {
      this.#keptAt = now;
      keepPlace(this.#trackId, ms);
    }
    this.#frame = requestAnimationFrame(this.#picture);
  };

  #tick = (): void => {
    const graph = this.#graph;
    if (!graph || !this.playing.peek()) return;
    const nowS = graph.context.currentTime;
    this.#clock.add(nowS, performance.now());
    if (this.#entry) this.#enter(this.#entry, nowS);
    this.#deck.read(nowS);
    this.#takeTurns(nowS, nowS - graph.latencyS);
    graph.shaper.silentFrom(this.#silentFromS());
    this.#metronome.tick(graph, this.#heard(), this.timeMs.peek());
    if (document.hidden) this.timeMs.value = this.#heardMs(performance.now());
    if (this.#stopAtMs !== null && this.#heardMs(performance.now()) >= this.#stopAtMs) this.#stopAtEnd(this.#stopAtMs);
  };

  #enter(entry: Entry, nowS: number): void {
    entry.tick(nowS)?.catch(() => this.pause());
    if (entry.state !== "sure") return;
    this.#from = { ms: entry.fromMs, heardS: entry.heardS };
    this.#entry = null;
  }

  #takeTurns(nowS: number, heardS: number): void {
    const loop = this.loop.peek();
    if (!loop || this.timeMs.peek() >= loop.toMs + 500) return;
    const turn = this.#turns.tick(this.#deck, loop, nowS, heardS);
    if (turn) {
      this.#deck = turn.deck;
      this.#from = { ms: loop.fromMs, heardS: turn.heardS };
      batch(() => ((this.timeMs.value = loop.fromMs), (this.seeks.value += 1)));
    } else if (!this.#turns.isEntering && this.timeMs.peek() > loop.toMs + 30) {
      // The other deck was not ready in time: with a gap, then.
      this.seek(loop.fromMs);
    }
  }

  /** When the silence of the shape begins, on the context's clock. */
  #silentFromS(): number {
    const { silentFromMs } = this.#shape;
    if (silentFromMs === null) return Infinity;
    return this.#deck.contextS(silentFromMs) ?? (this.timeMs.peek() >= silentFromMs ? -Infinity : Infinity);
  }

  #stopAtEnd(ms: number): void {
    this.#stopAtMs = null;
    this.timeMs.value = ms;
    this.pause();
  }

  /** What is heard now and next, for the metronome. */
  #heard(): Heard[] {
    const loop = this.loop.peek();
    const [deck, from, next] = [this.#deck, this.#from, this.#turns.next];
    const since = (heardS: number, of: Deck) => (ms: number) => {
      const at = of.contextS(ms);
      // Half a millisecond: a beat on the very edge of a loop belongs to it.
      return at !== null && at >= heardS - 0.0005 ? at : null;
    };
    const toMs = loop && this.timeMs.peek() < loop.toMs ? loop.toMs : (this.#stopAtMs ?? Infinity);
    const heard: Heard[] = [{ span: { fromMs: from.ms - 0.5, toMs }, contextS: since(from.heardS, deck) }];
    if (loop && next) heard.push({ span: loop, contextS: since(next.heardS, next.deck) });
    return heard;
  }
}
