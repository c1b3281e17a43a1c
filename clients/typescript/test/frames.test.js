import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { chooseLevel, crc32, decodeChunk, FormatError, Frames, framesMeeting } from "../dist/index.js";

const text = readFileSync(new URL("../../../docs/FRAME-FORMAT.md", import.meta.url), "utf8");
const block = (name) => new RegExp("```" + name + "\n([^`]*)```").exec(text)[1];
const bytes = (name) => Uint8Array.from(block(`hex ${name}`).trim().split(/\s+/), (hex) => parseInt(hex, 16));
const layout = JSON.parse(block("json layout"));
const payload = bytes("payload");
const entry = { index: 2, start_frame: 5, frame_count: 3, bytes: 0, crc32: 0x060ddc18 };

test("the worked example of the format decodes to its frames and values", () => {
  const chunk = decodeChunk(payload, layout, { level: 0, entry });
  assert.deepEqual(chunk.bytes, bytes("frames"));
  assert.deepEqual({ ...chunk, bytes: undefined }, { level: 0, startFrame: 5, frameCount: 3, crc32: 0x060ddc18, bytes: undefined });
  const frames = new Frames(layout, 0, 10, 5, 3, chunk.bytes);
  assert.deepEqual([...frames.values("bands")], [-20, -40, -19, -40, -30, -45]);
  assert.deepEqual([...frames.values("level")], [-23, -21.5, -22, -21, -22.5, -21.25].map(Math.fround));
  assert.deepEqual([frames.timeMs(1), frames.indexAt(69.9), frames.indexAt(80), frames.indexAt(49)], [60, 1, undefined, undefined]);
  assert.deepEqual(frames.row(1), chunk.bytes.subarray(6, 12));
  assert.throws(() => frames.values("nothing"), RangeError);
});

test("any changed byte is found out", () => {
  for (let at = 0; at < payload.length; at += 1) {
    const changed = payload.slice();
    changed[at] ^= 0x10;
    assert.throws(() => decodeChunk(changed, layout, { level: 0, entry }), FormatError, `byte ${at}`);
  }
  for (let length = 0; length < payload.length; length += 1) {
    assert.throws(() => decodeChunk(payload.slice(0, length), layout), FormatError, `${length} bytes`);
  }
  assert.throws(() => decodeChunk(payload, layout, { level: 0, entry: { ...entry, start_frame: 6 } }), FormatError);
});

test("a layout with gaps, overlaps or unknown types is refused", () => {
  const [first, second] = layout.fields;
  for (const fields of [[first], [first, { ...second, offset: 3 }], [first, { ...second, type: "u64" }], [{ ...first, count: 0 }, second]]) {
    assert.throws(() => decodeChunk(payload, { ...layout, fields }), FormatError);
  }
});

/** The transform of the format, done here the other way round. */
const pack = (words, size, frames, count) => {
  const at = (t, c) => (t < 0 || c < 0 ? 0 : words[t * count + c]);
  const out = new Uint8Array(frames * count * size);
  for (let t = 0; t < frames; t += 1) {
    for (let c = 0; c < count; c += 1) {
      const residual = at(t, c) - at(t - 1, c) - at(t, c - 1) + at(t - 1, c - 1);
      for (let s = 0; s < size; s += 1) out[(s * frames + t) * count + c] = (residual >> (8 * s)) & 0xff;
    }
  }
  return out;
};

test("values of every type come back, and none where there is none", () => {
  const cases = { u8: [Uint8Array, [0, 1, 255, 128]], i16: [Int16Array, [-32768, 32767, 0, -1]], f32: [Float32Array, [0, -1.5, 1e30, 7]] };
  for (const [type, [array, values]] of Object.entries(cases)) {
    const raw = array.from(values);
    const size = raw.BYTES_PER_ELEMENT;
    const words = size === 1 ? raw : size === 2 ? new Uint16Array(raw.buffer) : new Int32Array(raw.buffer);
    const field = { name: "x", type, count: 2, offset: 0, unit: "1", scale: 0.5, bias: -3, none_raw: 0 };
    const one = { fields: [field], bytes_per_frame: 2 * size };
    const header = new DataView(new ArrayBuffer(32));
    header.setUint32(0, 0x41525346);
    [1, 0].forEach((value, i) => header.setUint16(4 + 2 * i, value, true));
    [0, 0, 2, 2 * size, crc32(new Uint8Array(raw.buffer)), 0].forEach((value, i) => header.setUint32(8 + 4 * i, value, true));
    const packed = Buffer.concat([new Uint8Array(header.buffer), pack(words, size, 2, 2)]);
    const chunk = decodeChunk(packed, one);
    const expected = values.map((value) => (value === 0 ? NaN : Math.fround(value * 0.5 - 3)));
    assert.deepEqual([...new Frames(one, 0, 10, 0, 2, chunk.bytes).values("x")], expected, type);
  }
});

test("half precision covers subnormal numbers, both zeros and infinity", () => {
  const bits = [0x3c00, 0xc000, 0x0001, 0x7bff, 0x8000, 0x7c00];
  const field = { name: "x", type: "f16", count: 6, offset: 0, unit: "1", scale: 1, bias: 0 };
  const frames = new Frames({ fields: [field], bytes_per_frame: 12 }, 0, 10, 0, 1, new Uint8Array(Uint16Array.from(bits).buffer));
  assert.deepEqual([...frames.values("x")], [1, -2, 2 ** -24, 65504, 0, Infinity]);
});

test("spans meet the slots that the format says", () => {
  const level = { level: 0, hop_ms: 10, frame_count: 100, total_chunks: 1, chunks: [] };
  const check = (from, to, first, count) => assert.deepEqual(framesMeeting(level, from, to), { first, count }, `${from} to ${to}`);
  check(0, Infinity, 0, 100);
  check(15, 20, 1, 1);
  check(15, 21, 1, 2);
  check(20, 20, 2, 0);
  check(990, 5000, 99, 1);
  check(5000, 6000, 100, 0);
  const coarse = { ...level, level: 1, hop_ms: 80, frame_count: 13 };
  const manifest = { levels: [level, coarse] };
  assert.equal(chooseLevel(manifest, 0, 1000, 100), level);
  assert.equal(chooseLevel(manifest, 0, 1000, 99), coarse);
  assert.equal(chooseLevel(manifest, 0, 1000, 1), coarse, "the coarsest where none fits");
});
