/** What can be undone: each act of editing says how to do it, and how to take it back. */

import { computed, signal } from "@preact/signals";
import { tell, tellError } from "../notices";

/** One gesture. `redo` and `undo` speak with the server, and throw where it refuses. */
export interface Act {
  /** What it was, for the person: `Region moved`. */
  readonly what: string;
  readonly undo: () => Promise<void>;
  readonly redo: () => Promise<void>;
}

const MOST = 200;

export class History {
  readonly #done = signal<readonly Act[]>([]);
  readonly #undone = signal<readonly Act[]>([]);
  readonly #busy = signal(false);
  readonly canUndo = computed(() => !this.#busy.value && this.#done.value.length > 0);
  readonly canRedo = computed(() => !this.#busy.value && this.#undone.value.length > 0);

  /** Does something for the first time, and remembers it where it worked. */
  async act(act: Act): Promise<boolean> {
    return this.#run(act.redo, `${act.what} failed`, () => {
      this.#done.value = [...this.#done.value, act].slice(-MOST);
      this.#undone.value = [];
    });
  }

  async undo(): Promise<void> {
    const act = this.#done.value.at(-1);
    if (!act || !this.canUndo.value) return;
    await this.#run(act.undo, `${act.what} could not be undone`, () => {
      this.#done.value = this.#done.value.slice(0, -1);
      this.#undone.value = [...this.#undone.value, act];
      tell({ kind: "info", title: `Undone: ${act.what}` });
    });
  }

  async redo(): Promise<void> {
    const act = this.#undone.value.at(-1);
    if (!act || !this.canRedo.value) return;
    await this.#run(act.redo, `${act.what} failed`, () => {
      this.#undone.value = this.#undone.value.slice(0, -1);
      this.#done.value = [...this.#done.value, act];
      tell({ kind: "info", title: `Done again: ${act.what}` });
    });
  }

  async #run(step: () => Promise<void>, failure: string, then: () => void): Promise<boolean> {
    this.#busy.value = true;
    try {
      await step();
      then();
      return true;
    } catch (error) {
      tellError(error, failure);
      return false;
    } finally {
      this.#busy.value = false;
    }
  }
}
