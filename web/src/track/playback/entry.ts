/** An entry on time: a deck starts so that its first place is heard at a time that is set beforehand. */

import type { Deck } from "./deck";

/** The deck starts so long before it is heard: time enough to find out where its sound lies, with browsers that tell it rarely too. */
const HOLD_S = 0.35;
/** Until so long before, more is found out; then it is settled. */
const SETTLE_S = 0.1;

/** From `play()` to the first sound, in seconds: learned from each entry, as browsers differ. */
let leadS = 0.04;

export class Entry {
  /** When it is heard, on the context's clock: as wanted, or as late as it came. */
  heardS: number;
  state: "waiting" | "starting" | "sure" = "waiting";
  #calledS = 0;

  constructor(
    readonly deck: Deck,
    readonly fromMs: number,
    heardS: number,
  ) {
    this.heardS = heardS;
    deck.hush();
  }

  /** To be called often; the deck must stand at its first place. Gives what `play()` gave when it called it. */
  tick(nowS: number): Promise<void> | null {
    if (this.state === "waiting" && nowS >= this.heardS - HOLD_S - leadS) {
      this.state = "starting";
      this.#calledS = nowS;
      return this.deck.element.play();
    }
    if (this.state !== "starting") return null;
    this.deck.read(nowS);
    const firstS = this.deck.fit.contextS(this.fromMs / 1000);
    if (firstS === null || nowS < this.heardS - SETTLE_S) return null;
    leadS = Math.min(Math.max(leadS + (firstS - this.#calledS - leadS) * 0.3, 0), 0.2);
    this.heardS += this.deck.shift(firstS, this.heardS);
    this.deck.openAt(this.heardS);
    this.state = "sure";
    return null;
  }
}
