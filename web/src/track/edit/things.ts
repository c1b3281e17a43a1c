/**
 * Regions or annotations of a track, as the person sees them: what the server has, with what is on its way to it laid over.
 *
 * A thing is named by a key of this page. Its id is the server's and becomes another when it is removed and made anew, as
 * undoing a removal does; keys stay, so everything that was done to it before can still be undone.
 */

import { ApiError } from "@arsis/client";
import { computed, signal } from "@preact/signals";
import type { Act } from "../history";
import { CalledOff } from "../history";

export interface Thing {
  readonly id: string;
  readonly etag: string;
  readonly author_id: string;
  readonly start_time_ms: number;
  readonly end_time_ms?: number | null;
  readonly color?: string | null;
}

export interface Item<T> {
  readonly key: number;
  readonly thing: T;
}

/** How one kind of them is asked for. */
export interface Route<T, N, P> {
  readonly name: string;
  list(signal?: AbortSignal): AsyncGenerator<T, void, undefined>;
  read(id: string): Promise<T>;
  create(json: N, once: string): Promise<T>;
  update(id: string, json: P, etag: string | undefined): Promise<T>;
  remove(id: string, etag: string | undefined): Promise<void>;
  /** What makes it anew, in all its words. */
  again(thing: T): N;
  /** How it looks before the server has made it. */
  guess(json: N): T;
  order(a: T, b: T): number;
}

/** Somebody else changed what is to be changed: asks the person, who takes `mine` or `theirs`. `theirs` null: it was removed. */
export type Ask<T> = (mine: Partial<T> | null, theirs: T | null) => Promise<"mine" | "theirs">;

type Overlay<T> = (things: Map<number, T>) => void;

let lastKey = 0;

export class Things<T extends Thing, N extends object, P extends object> {
  readonly #stored = signal<ReadonlyMap<number, T>>(new Map());
  /** Ids of what was made, changed or removed here, one after the other. */
  readonly #touched: string[] = [];
  readonly #ahead = signal<readonly Overlay<T>[]>([]);
  readonly state = signal<"loading" | "there" | "failed">("loading");
  /** In their order, with what is not stored yet. */
  readonly items = computed<readonly Item<T>[]>(() => {
    const things = new Map(this.#stored.value);
    for (const lay of this.#ahead.value) lay(things);
    return [...things].map(([key, thing]) => ({ key, thing })).sort((a, b) => this.route.order(a.thing, b.thing));
  });

  constructor(
    readonly route: Route<T, N, P>,
    readonly ask: Ask<T>,
  ) {}

  at(key: number | null): T | undefined {
    return key === null ? undefined : this.items.value.find((item) => item.key === key)?.thing;
  }

  /** Reads them all; keys of those that were there stay. Only what is read for the page alone ends with it, by `signal`. */
  async load(signal?: AbortSignal): Promise<void> {
    const since = this.#touched.length;
    const read: T[] = [];
    for await (const thing of this.route.list(signal)) read.push(thing);
    // What was made, changed or removed here meanwhile is newer than what was read.
    const touched = new Set(this.#touched.slice(since));
    const stored = [...this.#stored.peek()];
    const keys = new Map(stored.map(([key, thing]) => [thing.id, key]));
    const next = new Map(stored.filter(([, thing]) => touched.has(thing.id)));
    for (const thing of read) {
      if (!touched.has(thing.id)) next.set(keys.get(thing.id) ?? (lastKey += 1), thing);
    }
    this.#stored.value = next;
    this.state.value = "there";
  }

  /** Ids of those that the server has, by key; those that it has not are left out. */
  ids(keys: readonly number[]): string[] {
    return keys.flatMap((key) => this.#stored.peek().get(key)?.id ?? []);
  }

  adding(json: N, what: string): Act & { readonly key: number } {
    const key = (lastKey += 1);
    const again = (): N => json;
    return { key, what, ...this.#life(key, again) };
  }

  removing(key: number, what: string): Act {
    const gone = this.at(key)!;
    const { redo, undo, ahead } = this.#life(key, () => this.route.again(gone));
    return { what, redo: undo, undo: redo, ahead: (way) => ahead(way === "redo" ? "undo" : "redo") };
  }

  /** `before` and `after` are the same fields. */
  changing(key: number, after: P, what: string): Act {
    const thing = this.at(key)!;
    let before = pick(thing, after);
    const to = async (patch: P): Promise<T | undefined> => this.#change(key, patch);
    return {
      what,
      redo: async () => {
        const over = await to(after);
        if (over) before = pick(over, after);
      },
      undo: async () => void (await to(before)),
      ahead: (way) => {
        const patch = way === "redo" ? after : before;
        return this.#lay((things) => {
          const now = things.get(key);
          if (now) things.set(key, { ...now, ...patch });
        });
      },
    };
  }

  /** Takes in what the server answered with. */
  put(key: number, thing: T | null): void {
    const next = new Map(this.#stored.peek());
    const id = (thing ?? next.get(key))?.id;
    if (id) this.#touched.push(id);
    if (thing) next.set(key, thing);
    else next.delete(key);
    this.#stored.value = next;
  }

  /** Being made, and being removed: what one does the other undoes. */
  #life(key: number, again: () => N): Required<Pick<Act, "redo" | "undo" | "ahead">> {
    // What it is when it is removed is what it is made of anew: it may have been changed since it was made.
    let words = again;
    return {
      redo: async (once) => this.put(key, await this.route.create(words(), once)),
      undo: async () => {
        const thing = this.#stored.peek().get(key);
        if (!thing) return;
        await this.#remove(key, thing);
        words = () => this.route.again(thing);
      },
      ahead: (way) => {
        const guess = way === "redo" ? this.route.guess(words()) : null;
        return this.#lay((things) => {
          if (!guess) things.delete(key);
          else if (!things.has(key)) things.set(key, guess);
        });
      },
    };
  }

  async #remove(key: number, thing: T): Promise<void> {
    try {
      await this.route.remove(thing.id, thing.etag);
    } catch (error) {
      if (isStatus(error, 412)) {
        const theirs = await this.#newest(thing.id);
        if (theirs) {
          this.put(key, theirs);
          if ((await this.ask(null, theirs)) === "theirs") throw new CalledOff();
          await this.route.remove(thing.id, theirs.etag);
        }
      } else if (!isStatus(error, 404)) throw error;
    }
    this.put(key, null);
  }

  /** Changes it; gives what somebody else had made of it, where the person wrote over that. */
  async #change(key: number, patch: P): Promise<T | undefined> {
    const thing = this.#stored.peek().get(key);
    if (!thing) throw new CalledOff();
    try {
      this.put(key, await this.route.update(thing.id, patch, thing.etag));
      return undefined;
    } catch (error) {
      if (!isStatus(error, 412) && !isStatus(error, 404)) throw error;
    }
    const theirs = await this.#newest(thing.id);
    // The answer of an earlier try was lost on its way: it is what it should be.
    if (theirs && Object.entries(patch).every(([field, value]) => (theirs[field as keyof T] ?? null) === (value ?? null))) {
      this.put(key, theirs);
      return undefined;
    }
    const choice = await this.ask(patch as Partial<T>, theirs);
    if (choice === "theirs") {
      this.put(key, theirs);
      throw new CalledOff();
    }
    if (theirs) this.put(key, await this.route.update(theirs.id, patch, theirs.etag));
    else this.put(key, await this.route.create(this.route.again({ ...thing, ...patch }), crypto.getRandomValues(new Uint32Array(4)).join("-")));
    return theirs ?? undefined;
  }

  async #newest(id: string): Promise<T | null> {
    return this.route.read(id).catch((error: unknown) => {
      if (isStatus(error, 404)) return null;
      throw error;
    });
  }

  #lay(overlay: Overlay<T>): () => void {
    this.#ahead.value = [...this.#ahead.peek(), overlay];
    return () => {
      this.#ahead.value = this.#ahead.peek().filter((one) => one !== overlay);
    };
  }
}

/** The fields of `of`, as `thing` has them. */
function pick<P extends object>(thing: object, of: P): P {
  return Object.fromEntries(Object.keys(of).map((field) => [field, (thing as Record<string, unknown>)[field] ?? null])) as P;
}

export const isStatus = (error: unknown, status: number): boolean => error instanceof ApiError && error.status === status;
