/** One media element and its way into the graph. Two of them, taking turns, play a loop without a gap. */

import { Fit } from "./fit";
import type { Graph } from "./graph";

/**
 * Music is held back this long before it is heard. By then it is known exactly where it lies on the context's clock, so that
 * clicks find their place from the first beat on, and the ends of a loop are cut where they belong.
 */
export const DELAY_S = 0.12;
/** Longest that a deck may wait for its turn. */
const MOST_DELAY_S = 1;
/** Ends of what is heard are faded so long: no crackle, and nothing that an ear notices. */
const FADE_S = 0.003;

export class Deck {
  readonly element: HTMLAudioElement;
  readonly fit = new Fit();
  delayS = DELAY_S;
  #graph: Graph | null = null;
  #source: MediaElementAudioSourceNode | null = null;
  #delay: DelayNode | null = null;
  #gain: GainNode | null = null;

  constructor(address: string) {
    this.element = new Audio();
    this.element.preload = "metadata";
    this.element.preservesPitch = true;
    this.element.src = address;
  }

  /** Leads the element's sound through the graph; from then on it has no other way out. */
  connect(graph: Graph): void {
    if (this.#source) return;
    this.#graph = graph;
    this.#source = graph.context.createMediaElementSource(this.element);
    this.flush();
  }

  /** Drops what is on its way and was not heard yet. */
  flush(): void {
    this.fit.reset(this.element.playbackRate);
    this.delayS = DELAY_S;
    if (!this.#graph || !this.#source) return;
    this.#gain?.disconnect();
    this.#delay?.disconnect();
    this.#source.disconnect();
    this.#delay = new DelayNode(this.#graph.context, { maxDelayTime: MOST_DELAY_S, delayTime: DELAY_S });
    this.#gain = this.#graph.context.createGain();
    this.#source.connect(this.#delay).connect(this.#gain).connect(this.#graph.music);
  }

  /** Goes to a place, and forgets all that was on its way. */
  seek(s: number): void {
    this.flush();
    this.element.currentTime = s;
  }

  /** Asks for the media anew, after a failure: an element that failed plays nothing until then. */
  reload(s: number): void {
    const { playbackRate } = this.element;
    this.element.load();
    // Which loading has set back.
    this.element.playbackRate = playbackRate;
    this.seek(s);
  }

  setRate(rate: number): void {
    this.element.playbackRate = rate;
    this.fit.reset(rate);
  }

  /** Reads both clocks. */
  read(contextS: number): void {
    const { paused, seeking, readyState, currentTime } = this.element;
    if (!paused && !seeking && readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) this.fit.add(contextS, currentTime);
  }

  /** The place in the media, in ms, that leaves this deck at a time of the context; null while that is not known. */
  msAt(contextS: number): number | null {
    const media = this.fit.mediaS(contextS - this.delayS);
    return media === null ? null : media * 1000;
  }

  /** The time of the context at which a place in the media leaves this deck; null while that is not known. */
  contextS(ms: number): number | null {
    const at = this.fit.contextS(ms / 1000);
    return at === null ? null : at + this.delayS;
  }

  /** Holds the music back so long that what the element gives out at `fromS` is heard at `toS`; says how late that is where it is too late. */
  shift(fromS: number, toS: number): number {
    const wanted = toS - fromS;
    this.delayS = Math.min(Math.max(wanted, 0), MOST_DELAY_S);
    this.#delay?.delayTime.setValueAtTime(this.delayS, this.#graph!.context.currentTime);
    return this.delayS - wanted;
  }

  /** Is not heard before a time of the context. */
  openAt(contextS: number): void {
    const gain = this.#gain?.gain;
    gain?.cancelScheduledValues(0);
    gain?.setValueAtTime(0, 0);
    // Open by then, so that a beat on the very edge keeps its attack.
    gain?.setValueAtTime(0, Math.max(contextS - FADE_S, 0));
    gain?.linearRampToValueAtTime(1, contextS);
  }

  /** Is not heard until it is said from when. */
  hush(): void {
    this.#gain?.gain.cancelScheduledValues(0);
    this.#gain?.gain.setValueAtTime(0, 0);
  }

  /** Is heard no more from a time of the context on. */
  closeAt(contextS: number): void {
    this.#gain?.gain.setValueAtTime(1, contextS);
    this.#gain?.gain.linearRampToValueAtTime(0, contextS + FADE_S);
  }

  dispose(): void {
    this.element.pause();
    this.#gain?.disconnect();
    this.element.removeAttribute("src");
    this.element.load();
  }
}
