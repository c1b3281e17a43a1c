"""Reads exports with readers that are not Arsis's own, strictly, and prints what they hold as JSON.

    read_exports.py KIND FILE...        KIND: jams, csv, rekordbox, audacity, dat
    read_exports.py peaks WAV           the pairs that a .dat of this 16-bit file must hold

A list with an item for each file goes to standard output; whatever a reader refuses ends the script.
"""

import csv
import json
import re
import sys
import urllib.parse
import wave
import xml.etree.ElementTree as ElementTree


def read_jams(path):
    import jams

    jam = jams.load(path, validate=True, strict=True)
    for annotation in jam.annotations:
        for observation in annotation.data:
            assert observation.time >= 0 and observation.duration >= 0, observation
    observations = lambda data: [[o.time, o.duration, o.value, o.confidence] for o in data]
    return {
        "version": jam.file_metadata.jams_version,
        "title": jam.file_metadata.title,
        "duration": jam.file_metadata.duration,
        "tools": sorted({a.annotation_metadata.annotation_tools for a in jam.annotations}),
        "annotators": sorted({a.annotation_metadata.version for a in jam.annotations}),
        "annotations": {a.namespace: observations(a.data) for a in jam.annotations},
    }


def read_csv(path):
    with open(path, "rb") as file:
        assert file.read().endswith(b"\r\n"), "RFC 4180, 2: rows end in CRLF"
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, strict=True))
    assert {len(row) for row in rows} == {8}, "all rows are as long as the header"
    return [dict(zip(rows[0], row)) for row in rows[1:]]


LABEL = re.compile(r"(\d+\.\d{6})\t(\d+\.\d{6})\t([^\t\r\n\x00-\x1f]*)")


def read_audacity(path):
    """Lines of `start TAB end TAB label`, as Audacity's manual has them."""
    with open(path, encoding="utf-8", newline="") as file:
        lines = file.read().split("\n")
    assert lines.pop() == "", "the last line ends like the others"
    labels = []
    for line in lines:
        label = LABEL.fullmatch(line)
        assert label, line
        start, end = float(label[1]), float(label[2])
        assert start <= end, line
        labels.append([start, end, label[3]])
    return labels


# The attributes of the developers' list of Pioneer DJ that may appear here, and what they may say.
NUMBER, SECONDS = re.compile(r"\d+"), re.compile(r"\d+\.\d{3}")
TEMPO = {"Inizio": SECONDS, "Bpm": re.compile(r"\d+\.\d{2}"), "Metro": re.compile(r"\d+/\d+"), "Battito": NUMBER}
MARK = {"Name": None, "Type": re.compile("0"), "Start": SECONDS, "Num": re.compile("-1")}
TRACK = {
    "TrackID": NUMBER, "Name": None, "Kind": None, "TotalTime": NUMBER, "SampleRate": NUMBER,
    "AverageBpm": re.compile(r"\d+\.\d{2}"), "Tonality": None,
    "Location": re.compile(r"file://localhost/[A-Za-z0-9._~%/-]*"),
}  # fmt: skip
OPTIONAL = {"Kind", "AverageBpm", "Tonality"}


def check_attributes(element, allowed):
    given = set(element.attrib)
    assert given <= set(allowed) and set(allowed) - OPTIONAL <= given, element.attrib
    for name, pattern in allowed.items():
        assert pattern is None or name not in given or pattern.fullmatch(element.get(name)), element.attrib


def lines_of(nodes):
    """The lines that a player draws: from each node at its tempo up to the next node; [time, beat of the bar]."""
    lines = []
    for node, after in zip(nodes, nodes[1:] + [None]):
        start, period = float(node["Inizio"]), 60.0 / float(node["Bpm"])
        beats = int(node["Metro"].split("/")[0])
        end = float(after["Inizio"]) if after else start + 1000 * period
        count, first = 0, int(node["Battito"])
        assert 1 <= first <= beats, node
        while start + count * period < end and len(lines) < 5_000:
            lines.append([start + count * period, (first - 1 + count) % beats + 1])
            count += 1
    return lines


def read_rekordbox(path):
    root = ElementTree.parse(path).getroot()
    assert root.tag == "DJ_PLAYLISTS" and root.attrib == {"Version": "1.0.0"}
    product, collection, playlists = root
    assert [child.tag for child in root] == ["PRODUCT", "COLLECTION", "PLAYLISTS"]
    assert set(product.attrib) == {"Name", "Version", "Company"}
    assert collection.attrib == {"Entries": str(len(collection))}
    assert [node.attrib for node in playlists] == [{"Type": "0", "Name": "ROOT", "Count": "0"}]
    tracks = []
    for number, track in enumerate(collection, 1):
        assert track.tag == "TRACK" and track.get("TrackID") == str(number)
        check_attributes(track, TRACK)
        tempo, marks = track.findall("TEMPO"), track.findall("POSITION_MARK")
        assert list(track) == tempo + marks, "nothing else, and the grid first"
        [check_attributes(node, TEMPO) for node in tempo]
        [check_attributes(mark, MARK) for mark in marks]
        nodes = [node.attrib for node in tempo]
        starts = [float(node["Inizio"]) for node in nodes]
        assert starts == sorted(set(starts)), "nodes in order of time"
        location = urllib.parse.unquote(track.get("Location").removeprefix("file://localhost"), errors="surrogateescape")
        tracks.append({
            "attributes": dict(track.attrib), "path": location.encode(errors="replace").decode(),
            "tempo": nodes, "marks": [mark.attrib for mark in marks], "lines": lines_of(nodes),
        })  # fmt: skip
    return tracks


def read_dat(path):
    """audiowaveform's data format, version 2, by its description: a header of 24 bytes, then 16-bit pairs."""
    import numpy

    header = numpy.dtype([
        ("version", "<i4"), ("flags", "<u4"), ("sample_rate", "<i4"),
        ("samples_per_pixel", "<i4"), ("length", "<u4"), ("channels", "<i4"),
    ])  # fmt: skip
    with open(path, "rb") as file:
        data = file.read()
    fields = numpy.frombuffer(data, header, count=1)[0]
    pairs = numpy.frombuffer(data, "<i2", offset=header.itemsize).reshape(-1, 2)
    assert len(pairs) == fields["length"]
    return {"header": {name: int(fields[name]) for name in header.names}, "pairs": pairs.tolist()}


def peaks(path):
    import numpy

    with wave.open(path) as file:
        assert file.getsampwidth() == 2
        frames = numpy.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
    # A sum of integers divided by their number and cut off towards zero, as C does it.
    mono = numpy.trunc(frames.sum(axis=1, dtype=numpy.int64) / frames.shape[1]).astype(int)
    blocks = [mono[i : i + 256] for i in range(0, len(mono), 256)]
    return [[int(block.min()), int(block.max())] for block in blocks]


READERS = {
    "jams": read_jams, "csv": read_csv, "rekordbox": read_rekordbox, "audacity": read_audacity, "dat": read_dat,
    "peaks": peaks,
}  # fmt: skip

if __name__ == "__main__":
    json.dump([READERS[sys.argv[1]](path) for path in sys.argv[2:]], sys.stdout)
