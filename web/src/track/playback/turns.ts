/** A loop without a gap: while one deck plays to the end of it, the other stands at its start and enters when that is due. */

import type { Span } from "../view";
import type { Deck } from "./deck";
import { Entry } from "./entry";

export interface Turn {
  readonly deck: Deck;
  /** When the new round is heard, on the context's clock. */
  readonly heardS: number;
}

export class Turns {
  readonly #make: () => Deck;
  #spare: Deck | null = null;
  #cued: Span | null = null;
  #entry: Entry | null = null;

  constructor(make: () => Deck) {
    this.#make = make;
  }

  /** The round that comes, as soon as its time is sure. */
  get next(): Turn | null {
    return this.#entry?.state === "sure" ? this.#entry : null;
  }

  /** To be called often while `deck` plays in `loop`; gives the turn that has been taken, once what is heard (`heardS`) has come to it. */
  tick(deck: Deck, loop: Span, nowS: number, heardS: number): Turn | null {
    const endS = deck.contextS(loop.toMs);
    if (endS === null) return null;
    const spare = (this.#spare ??= this.#make());
    if (this.#cued !== loop) this.#cue(spare, loop, deck);
    if (!this.#entry && !spare.element.seeking && spare.element.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA) this.#entry = new Entry(spare, loop.fromMs, endS);
    if (!this.#entry) return null;
    const wasSure = this.#entry.state === "sure";
    if (!wasSure) this.#entry.heardS = endS;
    this.#entry.tick(nowS)?.catch(() => this.cancel(deck));
    if (!this.#entry) return null;
    if (this.#entry.state === "sure" && !wasSure) deck.closeAt(endS);
    if (this.#entry.state !== "sure" || heardS < this.#entry.heardS) return null;
    const turn = this.#entry;
    deck.element.pause();
    this.#spare = deck;
    this.#entry = this.#cued = null;
    return turn;
  }

  /** Whether a round is about to follow, so that the end of the media is no end of playing. */
  get isEntering(): boolean {
    return this.#entry !== null && this.#entry.state !== "waiting";
  }

  /** Takes back what is under way: `deck` goes on alone. */
  cancel(deck: Deck): void {
    this.#spare?.element.pause();
    if (this.#entry && this.#entry.state !== "waiting") deck.openAt(0);
    this.#entry = this.#cued = null;
  }

  setLead(leadS: number): void {
    if (this.#spare) this.#spare.fit.leadS = leadS;
  }

  dispose(): void {
    this.#spare?.dispose();
    this.#spare = null;
  }

  #cue(spare: Deck, loop: Span, like: Deck): void {
    this.#entry = null;
    this.#cued = loop;
    spare.element.preload = "auto";
    spare.element.pause();
    spare.seek(loop.fromMs / 1000);
    spare.hush();
    spare.setRate(like.element.playbackRate);
  }
}
