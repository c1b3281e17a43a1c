/** Blocks of frames, a chunk each, as far as they were fetched: only those that are looked at, the least recently looked at dropped. */

import { Frames } from "@arsis/client";
import { signal } from "@preact/signals";
import { AttemptChanged } from "./growing";
import type { FrameSource } from "./source";

/** Frames `index · size …` of a level, as many as are there. Another object when there are more. */
export class Block {
  readonly #values = new Map<string, Float32Array>();

  constructor(
    readonly key: string,
    readonly frames: Frames,
  ) {}

  /** Physical values of a field, computed once. */
  values(field: string): Float32Array {
    let values = this.#values.get(field);
    if (!values) this.#values.set(field, (values = this.frames.values(field)));
    return values;
  }
}

/** Blocks of a level from one to another, both included. */
export interface Wanted {
  readonly level: number;
  readonly first: number;
  readonly last: number;
}

/** 320 blocks of 1,024 frames of 80 bytes: some thirty views. */
const MOST_BYTES = 26 << 20;
const AT_A_TIME = 6;

export class Blocks {
  /** Grows when a block has come: read it where blocks are drawn. */
  readonly revision = signal(0);
  /** What went wrong with the last request; null when one has worked since. */
  readonly failure = signal<unknown>(null);
  #source: FrameSource | null = null;
  #bytes = 0;
  readonly #blocks = new Map<string, Block>();
  readonly #wanted = new Map<string, readonly Wanted[]>();
  readonly #coming = new Map<string, AbortController>();

  /** Frames from here from now on. Blocks stay as they are unless `anew`; those that are not full grow when they are looked at. */
  use(source: FrameSource | null, anew: boolean): void {
    if (anew) {
      for (const request of this.#coming.values()) request.abort();
      this.#coming.clear();
      this.#blocks.clear();
      this.#bytes = 0;
    }
    this.#source = source;
    this.failure.value = null;
    this.#fetch();
    this.revision.value += 1;
  }

  /** What is there of a block by now. */
  get(level: number, index: number): Block | undefined {
    const key = `${level}/${index}`;
    const block = this.#blocks.get(key);
    if (block) {
      // Last in the map is the one looked at last.
      this.#blocks.delete(key);
      this.#blocks.set(key, block);
    }
    return block;
  }

  /** Says which blocks somebody looks at, most urgent first; what nobody looks at any more is not fetched. */
  want(who: string, wanted: readonly Wanted[]): void {
    this.#wanted.set(who, wanted);
    this.#fetch();
  }

  /** Tries again what failed. */
  retry(): void {
    if (this.failure.peek() === null) return;
    this.failure.value = null;
    this.#fetch();
  }

  dispose(): void {
    this.#wanted.clear();
    this.use(null, true);
  }

  #fetch(): void {
    const source = this.#source;
    if (!source || this.failure.peek()) return;
    const missing = new Map<string, readonly [level: number, index: number]>();
    for (const wanted of this.#wanted.values()) {
      for (const { level, first, last } of wanted) {
        const end = Math.ceil(source.frameCount(level) / source.chunkFrames) - 1;
        for (let index = Math.max(first, 0); index <= Math.min(last, end); index += 1) {
          if (this.#lacks(source, level, index)) missing.set(`${level}/${index}`, [level, index]);
        }
      }
    }
    for (const [key, request] of this.#coming) {
      if (!missing.has(key)) request.abort(), this.#coming.delete(key);
    }
    for (const [key, [level, index]] of missing) {
      if (this.#coming.size >= AT_A_TIME) return;
      if (!this.#coming.has(key)) void this.#bring(source, key, level, index);
    }
  }

  #lacks(source: FrameSource, level: number, index: number): boolean {
    const there = this.#blocks.get(`${level}/${index}`)?.frames.frameCount ?? 0;
    return there < Math.min(source.chunkFrames, source.frameCount(level) - index * source.chunkFrames);
  }

  async #bring(source: FrameSource, key: string, level: number, index: number): Promise<void> {
    const request = new AbortController();
    this.#coming.set(key, request);
    const hop = source.levels.find((one) => one.level === level)!.hopMs;
    const [start, end] = [index * source.chunkFrames, (index + 1) * source.chunkFrames];
    const before = this.#blocks.get(key)?.frames;
    try {
      const span = { fromMs: (start + (before?.frameCount ?? 0)) * hop, toMs: end * hop };
      const frames = await source.frames(span, level, request.signal);
      if (frames.frameCount === 0) throw new AttemptChanged();
      if (this.#coming.get(key) === request) this.#keep(key, before ? joined(before, frames) : frames);
    } catch (error) {
      if (this.#coming.get(key) === request) this.#stop(source, error);
    }
    if (this.#coming.get(key) === request) this.#coming.delete(key);
    this.#fetch();
  }

  /** Nothing more is asked for: of another attempt until its source is here, after a failure until it is tried again. */
  #stop(source: FrameSource, error: unknown): void {
    if (!(error instanceof AttemptChanged)) this.failure.value = error;
    else if (source === this.#source) this.#source = null;
  }

  #keep(key: string, frames: Frames): void {
    this.#bytes += frames.bytes.byteLength - (this.#blocks.get(key)?.frames.bytes.byteLength ?? 0);
    this.#blocks.delete(key);
    this.#blocks.set(key, new Block(key, frames));
    const looked = [...this.#wanted.values()].flat();
    for (const [oldest, block] of this.#blocks) {
      if (this.#bytes <= MOST_BYTES) break;
      const [level, index] = oldest.split("/").map(Number) as [number, number];
      if (looked.some((one) => one.level === level && index >= one.first && index <= one.last)) continue;
      this.#blocks.delete(oldest);
      this.#bytes -= block.frames.bytes.byteLength;
    }
    this.revision.value += 1;
  }
}

function joined(before: Frames, after: Frames): Frames {
  const bytes = new Uint8Array(before.bytes.byteLength + after.bytes.byteLength);
  bytes.set(before.bytes);
  bytes.set(after.bytes, before.bytes.byteLength);
  return new Frames(before.layout, before.level, before.hopMs, before.startFrame, before.frameCount + after.frameCount, bytes);
}
