/** Frames out of chunks, by docs/FRAME-FORMAT.md: manifest and layout, the transform undone, values in physical units. */

import { FormatError } from "./errors.js";

/** How one raw value is stored. */
export type SampleType = "u8" | "i16" | "f16" | "f32";

/** One field of a frame: `value = raw · scale + bias`. */
export interface Field {
  readonly name: string;
  readonly type: SampleType;
  /** Number of values. */
  readonly count: number;
  /** Of the first value, in bytes. */
  readonly offset: number;
  /** Of the physical values. */
  readonly unit: string;
  readonly scale: number;
  readonly bias: number;
  /** Smallest and largest physical value stored. */
  readonly min: number;
  readonly max: number;
  readonly zoom: "max" | "mean";
  /** The raw value that means "no value here". */
  readonly none_raw?: number;
  /** `count + 2` frequencies, rising: band `b` begins at `[b]`, peaks at `[b + 1]`, ends at `[b + 2]`. */
  readonly band_edges_hz?: readonly number[];
}

/** What a frame looks like. */
export interface FrameLayout {
  readonly fields: readonly Field[];
  readonly bytes_per_frame: number;
}

/** One chunk, as the manifest has it. */
export interface ChunkEntry {
  readonly index: number;
  /** Number of its first frame within its level. */
  readonly start_frame: number;
  readonly frame_count: number;
  readonly bytes: number;
  readonly crc32: number;
}

/** One zoom level; 0 is the finest. */
export interface Level {
  readonly level: number;
  /** Time between frames, in ms. */
  readonly hop_ms: number;
  readonly frame_count: number;
  readonly total_chunks: number;
  readonly chunks: readonly ChunkEntry[];
}

/** What the chunks of an analysis hold, and where. */
export interface Manifest {
  readonly manifest_version: number;
  readonly analyzer_version: string;
  readonly analysis_type: string;
  readonly hop_ms: number;
  readonly frame_count: number;
  readonly duration_ms: number;
  readonly sample_rate: number;
  readonly channels: number;
  readonly bands: number;
  readonly bytes_per_frame: number;
  readonly frame_layout: FrameLayout;
  readonly chunk_size_frames: number;
  readonly total_chunks: number;
  readonly fingerprint?: string;
  readonly levels: readonly Level[];
  readonly audio: Readonly<Record<string, unknown>>;
}

const HEADER_BYTES = 32;
const MAX_BYTES_PER_FRAME = 65_536;
const SIZES: Readonly<Record<SampleType, 1 | 2 | 4>> = { u8: 1, i16: 2, f16: 2, f32: 4 };

/** Neighbouring frames of one level. */
export class Frames {
  constructor(
    readonly layout: FrameLayout,
    readonly level: number,
    /** Time between frames, in ms. */
    readonly hopMs: number,
    /** Number of the first frame within its level. */
    readonly startFrame: number,
    readonly frameCount: number,
    /** Frame after frame, as the layout has them. */
    readonly bytes: Uint8Array,
  ) {}

  /** Where frame `index` of these begins, in ms. */
  timeMs(index: number): number {
    return (this.startFrame + index) * this.hopMs;
  }

  /** Which of these frames holds a time; undefined outside of them. */
  indexAt(timeMs: number): number | undefined {
    const index = Math.floor(timeMs / this.hopMs) - this.startFrame;
    return index >= 0 && index < this.frameCount ? index : undefined;
  }

  /** One frame's bytes: a view, not a copy. */
  row(index: number): Uint8Array {
    const width = this.layout.bytes_per_frame;
    return this.bytes.subarray(index * width, (index + 1) * width);
  }

  /** A field of the layout. */
  field(name: string): Field {
    const field = this.layout.fields.find((candidate) => candidate.name === name);
    if (!field) throw new RangeError(`there is no field ${name}: ${this.layout.fields.map((one) => one.name).join(", ")}`);
    return field;
  }

  /** Physical values of a field, `count` for each frame, frame after frame; NaN where there is no value. */
  values(name: string): Float32Array {
    const field = this.field(name);
    const { offset, count, type, scale, bias, none_raw } = field;
    const size = SIZES[type];
    const width = this.layout.bytes_per_frame;
    const values = new Float32Array(this.frameCount * count);
    const table = type === "u8" ? byteTable(field) : undefined;
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
    const read = reader(view, type);
    let to = 0;
    for (let t = 0; t < this.frameCount; t += 1) {
      let from = t * width + offset;
      for (let c = 0; c < count; c += 1, from += size, to += 1) {
        if (table) {
          values[to] = table[this.bytes[from]!]!;
        } else {
          const raw = read(from);
          values[to] = raw === none_raw ? NaN : raw * scale + bias;
        }
      }
    }
    return values;
  }
}

function byteTable(field: Field): Float32Array {
  return Float32Array.from({ length: 256 }, (_, raw) => (raw === field.none_raw ? NaN : raw * field.scale + field.bias));
}

function reader(view: DataView, type: SampleType): (at: number) => number {
  switch (type) {
    case "u8":
      return (at) => view.getUint8(at);
    case "i16":
      return (at) => view.getInt16(at, true);
    case "f16":
      return (at) => half(view.getUint16(at, true));
    case "f32":
      return (at) => view.getFloat32(at, true);
  }
}

/** A half-precision number (IEEE 754 binary16). */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** What a chunk says of itself, and its frames. */
export interface Chunk {
  readonly level: number;
  readonly startFrame: number;
  readonly frameCount: number;
  readonly crc32: number;
  /** Frame after frame, as the layout has them. */
  readonly bytes: Uint8Array;
}

/** Decodes a chunk's payload, and checks it against what the manifest says of it where that is given. */
export function decodeChunk(payload: Uint8Array, layout: FrameLayout, expected?: { level: number; entry: ChunkEntry }): Chunk {
  const width = layout.bytes_per_frame;
  checkLayout(layout);
  if (payload.byteLength < HEADER_BYTES) throw new FormatError("shorter than a chunk's header");
  const header = new DataView(payload.buffer, payload.byteOffset, HEADER_BYTES);
  if (header.getUint32(0) !== 0x41525346) throw new FormatError("no chunk: it does not begin with ARSF");
  if (header.getUint16(4, true) !== 1) throw new FormatError(`chunk format ${header.getUint16(4, true)} is not known`);
  if (header.getUint16(6, true) !== 0 || header.getUint32(28, true) !== 0) throw new FormatError("reserved bytes are not 0");
  const level = header.getUint32(8, true);
  const startFrame = header.getUint32(12, true);
  const frameCount = header.getUint32(16, true);
  const crc = header.getUint32(24, true);
  if (header.getUint32(20, true) !== width) throw new FormatError("a frame has another size than the layout says");
  if (frameCount < 1 || payload.byteLength !== HEADER_BYTES + frameCount * width) {
    throw new FormatError("the payload has another size than its header says");
  }
  const bytes = undoGradient(payload.subarray(HEADER_BYTES), layout, frameCount);
  if (crc32(bytes) !== crc) throw new FormatError("the frames are not those that were packed");
  const entry = expected?.entry;
  if (entry && (level !== expected.level || startFrame !== entry.start_frame || frameCount !== entry.frame_count || crc !== entry.crc32)) {
    throw new FormatError(`chunk ${entry.index} is not the one that the manifest describes`);
  }
  return { level, startFrame, frameCount, crc32: crc, bytes };
}

/** The fields must fill a frame without gaps: else the transform would read and write outside of it. */
function checkLayout(layout: FrameLayout): void {
  let end = 0;
  for (const field of layout.fields) {
    if (!(field.type in SIZES)) throw new FormatError(`values of type ${field.type} are not known`);
    if (field.offset !== end || !Number.isInteger(field.count) || field.count < 1) {
      throw new FormatError(`field ${field.name} does not lie where the one before ends`);
    }
    end += field.count * SIZES[field.type];
  }
  if (end !== layout.bytes_per_frame || end > MAX_BYTES_PER_FRAME) throw new FormatError("the fields do not fill a frame");
}

/** Sums up the residuals along the values and over time, byte plane by byte plane. */
function undoGradient(residuals: Uint8Array, layout: FrameLayout, frames: number): Uint8Array {
  const width = layout.bytes_per_frame;
  const out = new Uint8Array(frames * width);
  let position = 0;
  for (const { type, count, offset } of layout.fields) {
    const size = SIZES[type];
    const plane = frames * count;
    const above = new Uint32Array(count);
    for (let t = 0; t < frames; t += 1) {
      let along = 0;
      let to = t * width + offset;
      for (let c = 0; c < count; c += 1) {
        const from = position + t * count + c;
        let word = residuals[from]!;
        for (let s = 1; s < size; s += 1) word |= residuals[from + s * plane]! << (8 * s);
        along = (along + word) | 0;
        // A Uint32Array keeps sums modulo 2^32; only their lowest bytes are written.
        const value = (above[c] = above[c]! + along);
        for (let s = 0; s < size; s += 1) out[to++] = value >>> (8 * s);
      }
    }
    position += size * plane;
  }
  return out;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit += 1) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});

/** CRC-32 of IEEE 802.3, zlib and PNG. */
export function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (let i = 0; i < bytes.length; i += 1) crc = CRC_TABLE[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  return (crc ^ -1) >>> 0;
}

/** Which frames of a level have slots `[i · hop, (i + 1) · hop)` that meet a span: the first, and how many. */
export function framesMeeting(level: Level, fromMs: number, toMs: number): { first: number; count: number } {
  const within = (frame: number): number => Math.min(Math.max(frame, 0), level.frame_count);
  const first = within(Math.floor(fromMs / level.hop_ms));
  const end = fromMs < toMs ? within(Math.ceil(toMs / level.hop_ms)) : first;
  return { first, count: Math.max(0, end - first) };
}

/** The finest level that needs at most `maxFrames` frames for a span, or the coarsest. */
export function chooseLevel(manifest: Manifest, fromMs: number, toMs: number, maxFrames: number): Level {
  const fits = (level: Level): boolean => framesMeeting(level, fromMs, toMs).count <= maxFrames;
  const level = manifest.levels.find(fits) ?? manifest.levels.at(-1);
  if (!level) throw new FormatError("the manifest has no levels");
  return level;
}
