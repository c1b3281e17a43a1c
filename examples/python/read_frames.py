#!/usr/bin/env python3
"""Read the frames that `arsis analyze -o DIR` wrote, by docs/FRAME-FORMAT.md alone.

    python3 read_frames.py DIR                       what is there
    python3 read_frames.py DIR --level 1             ... of a coarser level
    python3 read_frames.py DIR --field bands --npy bands.npy
    python3 read_frames.py DIR --from-ms 1000 --to-ms 2000 --json

Needs numpy and zstandard (`pip install numpy zstandard`).
"""

import argparse
import json
import pathlib
import struct
import sys
import zlib

import numpy as np
import zstandard

TYPES = {"u8": "<u1", "i16": "<i2", "f16": "<f2", "f32": "<f4"}
HEADER = struct.Struct("<4sHHIIIIII")
MAX_PAYLOAD_BYTES = HEADER.size + (64 << 20)


def fail(message):
    raise ValueError(message)


def decode_chunk(stored, layout):
    """The header of a chunk, and its frames as an array of bytes: frame_count rows of bytes_per_frame."""
    if not 0 <= zstandard.frame_content_size(stored) <= MAX_PAYLOAD_BYTES:
        fail("the chunk does not say its size, or is too large")
    payload = zstandard.ZstdDecompressor().decompress(stored, allow_extra_data=False)
    magic, version, zero, level, start, count, width, crc32, reserved = HEADER.unpack_from(payload)
    if magic != b"ARSF" or version != 1 or zero or reserved:
        fail("not a chunk of format version 1")
    if width != layout["bytes_per_frame"] or len(payload) != HEADER.size + count * width:
        fail("the chunk does not fit the layout")
    residuals = np.frombuffer(payload, np.uint8, offset=HEADER.size)
    frames = np.empty((count, width), np.uint8)
    at = 0
    for field in layout["fields"]:
        size = np.dtype(TYPES[field["type"]]).itemsize
        length = count * field["count"] * size
        plane = residuals[at : at + length].reshape(size, count, field["count"])
        at += length
        frames[:, field["offset"] : field["offset"] + field["count"] * size] = undo_gradient(plane)
    if zlib.crc32(frames.tobytes()) != crc32:
        fail("the frames are not those that were packed")
    return {"level": level, "start_frame": start, "frame_count": count, "crc32": crc32}, frames


def undo_gradient(plane):
    """Byte planes (size, frames, values) of residuals back to rows of little-endian values."""
    size, count, values = plane.shape
    words = np.ascontiguousarray(np.moveaxis(plane, 0, -1)).view(f"<u{size}").reshape(count, values)
    # Sums modulo 2^bits along the values and over time: unsigned arithmetic wraps around by itself.
    words = np.cumsum(np.cumsum(words, axis=1, dtype=words.dtype), axis=0, dtype=words.dtype)
    return words.astype(f"<u{size}").view(np.uint8).reshape(count, values * size)


def physical(field, frames):
    """Physical values (frames, count) of one field; NaN where there is no value."""
    size = np.dtype(TYPES[field["type"]]).itemsize
    raw = np.ascontiguousarray(frames[:, field["offset"] : field["offset"] + field["count"] * size])
    raw = raw.view(TYPES[field["type"]]).astype(np.float64)
    values = (raw * field["scale"] + field["bias"]).astype(np.float32)
    if "none_raw" in field:
        values[raw == field["none_raw"]] = np.nan
    return values


def read(folder, level=0, from_ms=0, to_ms=None):
    """The manifest and the frames of a level whose slots [j·hop, (j+1)·hop) meet from_ms .. to_ms."""
    folder = pathlib.Path(folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    if manifest["manifest_version"] != 1:
        fail("a manifest of another version")
    found = manifest["levels"][level]
    hop, total = found["hop_ms"], found["frame_count"]
    from_ms = max(from_ms, 0)
    first = min(from_ms // hop, total)
    end = total if to_ms is None else max(first, min(-(-to_ms // hop), total))
    if to_ms is not None and from_ms >= to_ms:
        end = first
    rows = [np.empty((0, manifest["bytes_per_frame"]), np.uint8)]
    for entry in found["chunks"]:
        start, stop = entry["start_frame"], entry["start_frame"] + entry["frame_count"]
        if stop <= first or start >= end:
            continue
        stored = (folder / f"level-{level}" / f"chunk-{entry['index']:05}.zst").read_bytes()
        header, frames = decode_chunk(stored, manifest["frame_layout"])
        if header != {"level": level, **{key: entry[key] for key in ("start_frame", "frame_count", "crc32")}}:
            fail(f"chunk {entry['index']} is not the one that the manifest describes")
        rows.append(frames[max(first - start, 0) : end - start])
    return manifest, first, np.concatenate(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--level", type=int, default=0, help="zoom level, 0 is the finest")
    parser.add_argument("--from-ms", type=int, default=0)
    parser.add_argument("--to-ms", type=int)
    parser.add_argument("--field", action="append", help="this field alone (may be repeated)")
    parser.add_argument("--json", action="store_true", help="print physical values as JSON")
    parser.add_argument("--npy", help="write the values of one field to this file")
    given = parser.parse_args()
    manifest, first, frames = read(given.folder, given.level, given.from_ms, given.to_ms)
    fields = [f for f in manifest["frame_layout"]["fields"] if not given.field or f["name"] in given.field]
    values = {field["name"]: physical(field, frames) for field in fields}
    if given.npy:
        if len(values) != 1:
            parser.error("--npy needs exactly one --field")
        np.save(given.npy, next(iter(values.values())))
    elif given.json:
        hop = manifest["levels"][given.level]["hop_ms"]
        no_nan = {name: [[None if x != x else x for x in row] for row in v.tolist()] for name, v in values.items()}
        json.dump({"level": given.level, "hop_ms": hop, "start_frame": first, "values": no_nan}, sys.stdout)
    else:
        hop = manifest["levels"][given.level]["hop_ms"]
        print(f"level {given.level}: {len(frames)} frames, {hop} ms apart, from frame {first}")
        for field in fields:
            v = values[field["name"]]
            seen = v[~np.isnan(v)]
            span = f"{seen.min():g} to {seen.max():g}" if seen.size else "nothing"
            print(f"{field['name']:10} {str(v.shape):14} {field['type']:4} {field['unit']:5} {span}")


if __name__ == "__main__":
    main()
