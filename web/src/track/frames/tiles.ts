/** Pictures of blocks: a small canvas each, a pixel a value and frame, kept within a bound of bytes. */

import { palette } from "./colours";
import type { Block } from "./blocks";

export interface Tile {
  readonly canvas: HTMLCanvasElement;
  readonly frameCount: number;
}

/** A hundred tiles of 1,024 × 64 pixels of four bytes. */
const MOST_BYTES = 26 << 20;

export class Tiles {
  readonly #tiles = new Map<Block, Tile>();
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

  /** The picture of a block, painted when it is first asked for. */
  of(block: Block): Tile {
    let tile = this.#tiles.get(block);
    this.#tiles.delete(block);
    tile ??= this.#paint(block);
    this.#tiles.set(block, tile);
    for (const [oldest, { canvas }] of this.#tiles) {
      if (this.#bytes <= MOST_BYTES || oldest === block) break;
      this.#tiles.delete(oldest);
      this.#bytes -= canvas.width * canvas.height * 4;
    }
    return tile;
  }

  #paint({ frames }: Block): Tile {
    const field = frames.field(this.field);
    const { count, type, offset } = field;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [frames.frameCount, count];
    const context = canvas.getContext("2d")!;
    const picture = context.createImageData(canvas.width, canvas.height);
    const pixels = new Uint32Array(picture.data.buffer);
    const steps = type === "u8" ? Uint8Array.from({ length: 256 }, (_, raw) => this.stepOf(raw === field.none_raw ? NaN : raw * field.scale + field.bias)) : null;
    const values = steps ? null : frames.values(this.field);
    const width = frames.layout.bytes_per_frame;
    for (let band = 0; band < count; band += 1) {
      let to = (count - 1 - band) * canvas.width;
      for (let t = 0; t < frames.frameCount; t += 1, to += 1) {
        const step = steps ? steps[frames.bytes[t * width + offset + band]!]! : this.stepOf(values![t * count + band]!);
        pixels[to] = this.#colours[step]!;
      }
    }
    context.putImageData(picture, 0, 0);
    this.#bytes += pixels.byteLength;
    return { canvas, frameCount: frames.frameCount };
  }
}

/** As the words of image data: red first in memory, and every machine that shows this page is little-endian. */
function pixelsOf(colours: Uint8ClampedArray): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, step) => {
    const [red, green, blue] = colours.subarray(step * 3, step * 3 + 3);
    return (0xff000000 | (blue! << 16) | (green! << 8) | red!) >>> 0;
  });
}
