/** What a person chose about sound: kept for the next visit, as loudness belongs to ears and rooms, not to tracks. */

import { effect, signal } from "@preact/signals";

/** Which beats click. */
export type Every = "bar" | "half" | "beat" | "double";

const KEY = "arsis.sound";
const EVERY: readonly unknown[] = ["bar", "half", "beat", "double"];

function kept(): Record<string, unknown> {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return typeof found === "object" && found !== null ? (found as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

const part = (value: unknown, otherwise: number): number => (typeof value === "number" && value >= 0 && value <= 1 ? value : otherwise);

/** The metronome. */
export class Clicks {
  readonly on = signal(false);
  /** Loudness, 0 to 1. */
  readonly level = signal(part(kept()["clicks"], 0.7));
  /** From 0, music alone, over 0.5, both, to 1, clicks alone. */
  readonly balance = signal(0.5);
  readonly every = signal<Every>(EVERY.includes(kept()["every"]) ? (kept()["every"] as Every) : "beat");
  /** Whether a bar is counted before the music starts. */
  readonly countIn = signal(kept()["countIn"] === true);
}

export class Sound {
  readonly volume = signal(part(kept()["volume"], 1));
  readonly muted = signal(false);
  readonly clicks = new Clicks();
  /** Says the levels again: to a graph that is new. */
  readonly apply: () => void;
  readonly #stop: () => void;

  constructor(apply: (all: number, music: number, clicks: number) => void) {
    const { level, balance, every, countIn } = this.clicks;
    const again = signal(0);
    this.apply = () => void (again.value += 1);
    const stops = [
      effect(() => {
        void again.value;
        // Either side of the middle takes from the other alone.
        const [music, clicks] = [Math.min(1, 2 - 2 * balance.value), Math.min(1, 2 * balance.value)];
        // Loudness is heard as about the square of the amplitude's place on a slider.
        apply(this.muted.value ? 0 : this.volume.value ** 2, this.clicks.on.value ? music : 1, clicks * level.value ** 2);
      }),
      effect(() => localStorage.setItem(KEY, JSON.stringify({ volume: this.volume.value, clicks: level.value, every: every.value, countIn: countIn.value }))),
    ];
    this.#stop = () => stops.forEach((stop) => stop());
  }

  dispose(): void {
    this.#stop();
  }
}
