/** Puts clicks on beats: ahead of time, on the context's clock, where the beats will be heard. */

import type { Beat, Beats } from "../beats";
import type { Span } from "../view";
import type { Graph } from "./graph";
import type { Clicks, Every } from "./sound";

export type BeatSource = Pick<Beats, "all" | "revision">;

/** A stretch of the track and when it is heard: what clicks are placed by. */
export interface Heard {
  /** Of the track, in ms. */
  readonly span: Span;
  /** Time of the context at which a place in the track is heard; null while that is not known. */
  readonly contextS: (ms: number) => number | null;
}

/** Times that click in a tone of their own. */
export interface Voice {
  /** In order of time, in ms. */
  readonly timesMs: readonly number[];
  readonly hz: number;
}

const [STRONG_HZ, WEAK_HZ] = [1760, 1175];
/** Clicks are given to the context so long before they sound. */
const AHEAD_S = 0.2;
/** Where a hidden tab's timers come once a second only. */
const AHEAD_HIDDEN_S = 1.6;
/** Beats are asked for in stretches of so many ms. */
const STRETCH_MS = 30_000;

interface Pending {
  readonly key: string;
  readonly atS: number;
  readonly node: AudioBufferSourceNode;
}

/** The beats that click: `half` takes every other one, `double` adds the middles between them. */
export function chosen(beats: readonly Beat[], every: Every): readonly { readonly timeMs: number; readonly strong: boolean }[] {
  const plain = beats.map((beat) => ({ timeMs: beat.timeMs, strong: beat.position === 1 }));
  if (every === "beat") return plain;
  if (every === "bar") return plain.filter((beat) => beat.strong);
  if (every === "half") return plain.filter((_, i) => ((beats[i]!.position ?? i + 1) - 1) % 2 === 0);
  return plain.flatMap((beat, i) => {
    const next = plain[i + 1];
    return next ? [beat, { timeMs: (beat.timeMs + next.timeMs) / 2, strong: false }] : [beat];
  });
}

export class Metronome {
  readonly #clicks: Clicks;
  #source: BeatSource | null = null;
  #beats: { readonly span: Span; readonly revision: number; readonly beats: readonly Beat[] } | null = null;
  #asking: AbortController | null = null;
  #pending: Pending[] = [];
  readonly #sounds = new Map<number, AudioBuffer>();
  /** What clicks whether the metronome is on or not. */
  voices: readonly Voice[] = [];

  constructor(clicks: Clicks) {
    this.#clicks = clicks;
  }

  attach(source: BeatSource): void {
    this.#source = source;
    this.#beats = null;
  }

  /** To be called every 25 ms or so while music is heard. */
  tick(graph: Graph, heard: readonly Heard[], nowMs: number): void {
    const on = this.#clicks.on.peek();
    if (!on && this.voices.length === 0) return this.cancel();
    if (on) this.#fetch(nowMs);
    const now = graph.context.currentTime;
    const until = now + (document.hidden ? AHEAD_HIDDEN_S : AHEAD_S);
    this.#pending = this.#pending.filter((click) => click.atS > now - 0.2);
    const beats = on ? chosen(this.#beats?.beats ?? [], this.#clicks.every.peek()) : [];
    for (const { span, contextS } of heard) {
      for (const voice of this.voices) this.#sing(graph, voice, span, contextS, now, until);
      for (const beat of beats) {
        if (beat.timeMs < span.fromMs || beat.timeMs >= span.toMs) continue;
        const atS = contextS(beat.timeMs);
        if (atS === null || atS < now || atS > until) continue;
        this.#schedule(graph, `${beat.timeMs}`, atS, beat.strong ? STRONG_HZ : WEAK_HZ);
      }
    }
  }

  /** A click at a time of the context, for counting in. */
  click(graph: Graph, atS: number, strong: boolean): void {
    this.#schedule(graph, `count ${atS}`, atS, strong ? STRONG_HZ : WEAK_HZ);
  }

  /** Takes back all that was not heard yet: after a seek, a pause, or a change of rate. */
  cancel(): void {
    for (const { node } of this.#pending) {
      node.stop();
      node.disconnect();
    }
    this.#pending = [];
  }

  /** Beats between two times, once they are there. */
  async beats(span: Span, signal?: AbortSignal): Promise<readonly Beat[]> {
    return (await this.#source?.all(span, signal)) ?? [];
  }

  dispose(): void {
    this.cancel();
    this.#asking?.abort();
  }

  #sing(graph: Graph, { timesMs, hz }: Voice, span: Span, contextS: Heard["contextS"], now: number, until: number): void {
    const isDue = (ms: number): boolean => ms >= span.fromMs && (contextS(ms) ?? -Infinity) >= now;
    // There may be thousands: the first that is not over yet is looked for by halves.
    let [low, high] = [0, timesMs.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isDue(timesMs[middle]!)) high = middle;
      else low = middle + 1;
    }
    for (let i = low; i < timesMs.length && timesMs[i]! < span.toMs; i += 1) {
      const atS = contextS(timesMs[i]!);
      if (atS === null || atS > until) return;
      this.#schedule(graph, `${hz} ${timesMs[i]}`, atS, hz);
    }
  }

  #schedule(graph: Graph, key: string, atS: number, hz: number): void {
    // The same beat comes again with each tick, a little elsewhere as the clocks are known better; a loop's next round is far off.
    if (this.#pending.some((click) => click.key === key && Math.abs(click.atS - atS) < 0.05)) return;
    const sound = this.#sounds.get(hz) ?? tone(graph.context, hz);
    this.#sounds.set(hz, sound);
    const node = graph.context.createBufferSource();
    node.buffer = sound;
    node.connect(graph.clicks);
    node.start(atS);
    this.#pending.push({ key, atS, node });
  }

  /** Keeps the beats around a time at hand. */
  #fetch(nowMs: number): void {
    const source = this.#source;
    if (!source || this.#asking) return;
    const revision = source.revision.peek();
    const at = this.#beats;
    if (at && at.revision === revision && nowMs >= at.span.fromMs && nowMs + STRETCH_MS / 3 < at.span.toMs) return;
    const span = { fromMs: Math.max(0, nowMs - STRETCH_MS / 3), toMs: nowMs + STRETCH_MS };
    const asking = (this.#asking = new AbortController());
    source
      .all(span, asking.signal)
      .then((beats) => (this.#beats = { span, revision, beats }))
      // What shows the beats says why there are none; the click tries again later.
      .catch(() => undefined)
      .finally(() => setTimeout(() => (this.#asking = null), this.#beats?.span === span ? 0 : 2_000));
  }
}

/** A short knock: a tone that starts at its full strength, at once, and dies away. */
function tone(context: AudioContext, hz: number): AudioBuffer {
  const buffer = context.createBuffer(1, Math.round(context.sampleRate * 0.06), context.sampleRate);
  const samples = buffer.getChannelData(0);
  for (let i = 0; i < samples.length; i += 1) {
    const s = i / context.sampleRate;
    samples[i] = Math.cos(2 * Math.PI * hz * s) * Math.exp(-s / 0.012);
  }
  return buffer;
}
