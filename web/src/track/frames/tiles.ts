/** Pictures of blocks: a small canvas each, a pixel a value and frame, kept within a bound of bytes. */

import { palette } from "./colours";
import type { Block } from "./blocks";

export interface Tile {
  readonly block: Block;
  readonly canvas: HTMLCanvasElement;
}

/** A hundred tiles of 1,024 × 64 pixels of four bytes. */
const MOST_BYTES = 26 << 20;

export class Tiles {
  readonly #tiles = new Map<string, Tile>();
  readonly #colours: Uint32Array;
  #bytes = 0;

  constructor(
    theme: "light" | "dark",
    /** The field that is shown, its first value at the foot. */
    private readonly field: string,
    /** Which of the 256 colours shows a value; NaN is none. */
    private readonly stepOf: (value: number) => number,
  ) {
    this.#colours = pixelsOf(palette(theme));
  }

  /** The picture of a block, painted when it is first asked for. A pixel is the largest of `pool` frames: as coarser levels are made. */
  of(block: Block, pool: number): Tile {
    const key = `${block.key} ${pool}`;
    let tile = this.#tiles.get(key);
    this.#tiles.delete(key);
    // A block that has grown is another.
    if (tile?.block !== block) {
      if (tile) this.#bytes -= bytesOf(tile);
      tile = { block, canvas: this.#paint(block, pool) };
      this.#bytes += bytesOf(tile);
    }
    this.#tiles.set(key, tile);
    for (const [oldest, other] of this.#tiles) {
      if (this.#bytes <= MOST_BYTES || other === tile) break;
      this.#tiles.delete(oldest);
      this.#bytes -= bytesOf(other);
    }
    return tile;
  }

  #paint({ frames }: Block, pool: number): HTMLCanvasElement {
    const field = frames.field(this.field);
    const { count, type, offset } = field;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [Math.ceil(frames.frameCount / pool), count];
    const context = canvas.getContext("2d")!;
    const picture = context.createImageData(canvas.width, canvas.height);
    const pixels = new Uint32Array(picture.data.buffer);
    const steps = type === "u8" ? Uint8Array.from({ length: 256 }, (_, raw) => this.stepOf(raw === field.none_raw ? NaN : raw * field.scale + field.bias)) : null;
    const values = steps ? null : frames.values(this.field);
    const width = frames.layout.bytes_per_frame;
    for (let value = 0; value < count; value += 1) {
      const row = (count - 1 - value) * canvas.width;
      for (let x = 0, t = 0; x < canvas.width; x += 1) {
        let step = 0;
        for (const end = Math.min(t + pool, frames.frameCount); t < end; t += 1) {
          const one = steps ? steps[frames.bytes[t * width + offset + value]!]! : this.stepOf(values![t * count + value]!);
          if (one > step) step = one;
        }
        pixels[row + x] = this.#colours[step]!;
      }
    }
    context.putImageData(picture, 0, 0);
    return canvas;
  }
}

const bytesOf = ({ canvas }: Tile): number => canvas.width * canvas.height * 4;

/** As the words of image data: red first in memory, and every machine that shows this page is little-endian. */
function pixelsOf(colours: Uint8ClampedArray): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, step) => {
    const [red, green, blue] = colours.subarray(step * 3, step * 3 + 3);
    return (0xff000000 | (blue! << 16) | (green! << 8) | red!) >>> 0;
  });
}
