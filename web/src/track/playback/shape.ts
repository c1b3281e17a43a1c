/** How the music sounds for as long as an exercise asks for it: softer, through a filter, silent from a place on. */

/** Sections of two poles: 24 dB an octave, so that 250 Hz leaves the bass and little else. */
const SECTIONS = 2;
/** The end of what is heard is faded so long: no crackle. */
const FADE_S = 0.003;

export interface Shape {
  /** 0 to 1, of the volume that is set. */
  readonly level: number;
  /** From here on nothing is heard; null never. */
  readonly silentFromMs: number | null;
  readonly filter?: { readonly type: "lowpass" | "highpass"; readonly cutoff_hz: number } | undefined;
}

export const AS_IT_IS: Shape = { level: 1, silentFromMs: null };

/** What stands in the way of the music for that. It comes after the delay of the decks, so that all of it happens when it is heard. */
export class Shaper {
  readonly input: GainNode;
  readonly #open: GainNode;
  #filters: readonly BiquadFilterNode[] = [];
  #silentS = Infinity;

  constructor(
    readonly context: AudioContext,
    to: AudioNode,
  ) {
    this.input = context.createGain();
    this.#open = context.createGain();
    this.#open.connect(to);
    this.set(AS_IT_IS);
  }

  set({ level, filter }: Shape): void {
    this.input.gain.value = level;
    for (const node of [this.input, ...this.#filters]) node.disconnect();
    this.#filters = filter ? Array.from({ length: SECTIONS }, () => new BiquadFilterNode(this.context, { type: filter.type, frequency: filter.cutoff_hz })) : [];
    let from: AudioNode = this.input;
    for (const node of this.#filters) from = from.connect(node);
    from.connect(this.#open);
  }

  /** Lets nothing through from a time of the context on; to be said again as that time is known better, `Infinity` for never. */
  silentFrom(contextS: number): void {
    const now = this.context.currentTime;
    const at = contextS <= now ? -Infinity : contextS;
    if (at === this.#silentS || Math.abs(at - this.#silentS) < 0.0005) return;
    this.#silentS = at;
    const { gain } = this.#open;
    gain.cancelScheduledValues(0);
    gain.setValueAtTime(at > now ? 1 : 0, now);
    if (!Number.isFinite(at)) return;
    gain.setValueAtTime(1, at);
    gain.linearRampToValueAtTime(0, at + FADE_S);
  }
}
