/**
 * What was done, to be undone: each act of editing says how to do it, and how to take it back.
 *
 * Steps go to the server one after the other, in the order in which the person took them. A step that the server cannot be
 * reached for waits at the head of the queue, with what was done kept and shown; one that it refuses is taken back.
 */

import { ApiError } from "@arsis/client";
import { computed, signal } from "@preact/signals";
import type { Explained } from "../api";
import { explain, isSignedOut } from "../api";
import { onRenewal } from "../connection";
import { tell, tellError } from "../notices";
import { noticeEnd, person, session } from "../session";

/** One gesture. `redo` and `undo` speak with the server, and throw where it refuses. */
export interface Act {
  /** What it was, for the person: `Region moved`. */
  readonly what: string;
  /** `once` names this taking of the step, for `Idempotency-Key`: the same again when it is tried again. */
  readonly undo: (once: string) => Promise<void>;
  readonly redo: (once: string) => Promise<void>;
  /** Shows what the step comes to before the server has answered. What it gives ends that, once there is an answer. */
  readonly ahead?: (way: Way) => () => void;
  /** A place for a refusal other than a notice; true where it has one. */
  readonly refused?: (error: unknown) => boolean;
}

export type Way = "undo" | "redo";

/** Thrown by a step that the person called off: nothing is told, and nothing is remembered. */
export class CalledOff extends Error {
  override readonly name = "CalledOff";
}

interface Step {
  readonly act: Act;
  readonly way: Way;
  readonly once: string;
  /** Whose step it is: nobody else's requests carry it. */
  readonly who: string | undefined;
  readonly retract: () => void;
  readonly over: (worked: boolean) => void;
  /** Said when it is done, where it is undone or done again. */
  readonly said?: string;
}

const MOST = 200;
const RETRY_MS = 10_000;
let last = 0;

export class History {
  readonly #done = signal<readonly Act[]>([]);
  readonly #undone = signal<readonly Act[]>([]);
  readonly #queue = signal<readonly Step[]>([]);
  #working = false;
  #retry = (): void => undefined;
  /** Why what was done is not stored yet; null while all is well. */
  readonly waiting = signal<Explained | null>(null);
  readonly saving = computed(() => this.#queue.value.length);
  /** What would be undone and done again, in words; null where there is nothing. */
  readonly toUndo = computed(() => this.#done.value.at(-1)?.what ?? null);
  readonly toRedo = computed(() => this.#undone.value.at(-1)?.what ?? null);
  readonly canUndo = computed(() => this.toUndo.value !== null);
  readonly canRedo = computed(() => this.toRedo.value !== null);

  /** Does something for the first time, and remembers it where it works. */
  act(act: Act): Promise<boolean> {
    this.#done.value = [...this.#done.peek(), act].slice(-MOST);
    this.#undone.value = [];
    return this.#take(act, "redo");
  }

  /** Whether an act is done, and so can be undone. */
  has(act: Act): boolean {
    return this.#done.value.includes(act);
  }

  /** Undoes what was done last, or an act that nothing later is built on. */
  async undo(act = this.#done.peek().at(-1)): Promise<void> {
    if (!act || !this.#done.peek().includes(act)) return;
    this.#done.value = this.#done.peek().filter((one) => one !== act);
    this.#undone.value = [...this.#undone.peek(), act];
    await this.#take(act, "undo", `Undone: ${act.what}`);
  }

  async redo(): Promise<void> {
    const act = this.#undone.peek().at(-1);
    if (!act) return;
    this.#undone.value = this.#undone.peek().slice(0, -1);
    this.#done.value = [...this.#done.peek(), act];
    await this.#take(act, "redo", `Done again: ${act.what}`);
  }

  /** Tries at once what waits for the server. */
  retry(): void {
    this.#retry();
  }

  #take(act: Act, way: Way, said?: string): Promise<boolean> {
    return new Promise((over) => {
      const once = `${Date.now().toString(36)}-${(last += 1)}-${Math.random().toString(36).slice(2)}`;
      const retract = act.ahead?.(way) ?? ((): void => undefined);
      this.#queue.value = [...this.#queue.peek(), { act, way, once, who: person.peek()?.user_id, retract, over, ...(said && { said }) }];
      void this.#work();
    });
  }

  async #work(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    addEventListener("beforeunload", warn);
    for (let step = this.#queue.peek()[0]; step; step = this.#queue.peek()[0]) {
      if (isAnothers(step)) {
        this.#drop();
        break;
      }
      try {
        await step.act[step.way](step.once);
        this.#end(step, true);
      } catch (error) {
        if (isPassing(error)) await this.#wait(error);
        else this.#refuse(step, error);
      }
    }
    removeEventListener("beforeunload", warn);
    this.#working = false;
  }

  #end(step: Step, worked: boolean): void {
    step.retract();
    this.#queue.value = this.#queue.peek().filter((one) => one !== step);
    if (worked && step.said) tell({ kind: "info", title: step.said, topic: "history" });
    step.over(worked);
  }

  /** Another person signed in while steps were waiting: they are not theirs to take. */
  #drop(): void {
    const steps = this.#queue.peek();
    for (const step of steps) this.#end(step, false);
    this.#done.value = this.#undone.value = [];
    const title = steps.length === 1 ? "One change was not stored" : `${steps.length} changes were not stored`;
    tell({ kind: "error", title, detail: "Made by whoever was signed in before, whose session was over." });
  }

  /** Forgets an act that was refused, with what was to follow from it. */
  #refuse(step: Step, error: unknown): void {
    const { act, way } = step;
    this.#end(step, false);
    for (const later of this.#queue.peek().filter((one) => one.act === act)) this.#end(later, false);
    this.#done.value = this.#done.peek().filter((one) => one !== act);
    this.#undone.value = this.#undone.peek().filter((one) => one !== act);
    if (error instanceof CalledOff || act.refused?.(error)) return;
    tellError(error, way === "undo" ? `“${act.what}” could not be undone` : `“${act.what}” was not stored`);
  }

  /** Until the network is back, the person is signed in again, or asks for it. */
  async #wait(error: unknown): Promise<void> {
    this.waiting.value = explain(error);
    await new Promise<void>((go) => {
      const timer = setInterval(() => session.peek().kind === "in" && navigator.onLine && this.#retry(), RETRY_MS);
      if (isSignedOut(error)) noticeEnd(error);
      // Not before it is known who is signed in.
      const stop = onRenewal(() => session.peek().kind === "in" && this.#retry());
      this.#retry = () => {
        clearInterval(timer);
        stop();
        this.#retry = () => undefined;
        go();
      };
    });
    this.waiting.value = null;
  }
}

function isAnothers(step: Step): boolean {
  const now = session.peek();
  return now.kind === "in" && now.me.user_id !== step.who;
}

/** Whether the same may work later: no network, a server that cannot now, or a session that is over. */
export function isPassing(error: unknown): boolean {
  if (error instanceof ApiError) return [401, 408, 429, 502, 503, 504].includes(error.status);
  return error instanceof TypeError;
}

/** Leaving would lose what is not stored: the browser asks. */
function warn(event: BeforeUnloadEvent): void {
  event.preventDefault();
}
