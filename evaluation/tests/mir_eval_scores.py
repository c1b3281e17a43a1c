"""Scores cases with mir_eval: a JSON document on standard input, one list of scores a case on standard output."""

import json
import sys
import warnings

import mir_eval
import numpy as np

warnings.filterwarnings("ignore")


def beats(case):
    reference, estimated = (np.array(case[side], float) for side in ("reference", "estimated"))
    near = mir_eval.beat.cemgil(reference, estimated)[0]
    return [mir_eval.beat.f_measure(reference, estimated), *mir_eval.beat.continuity(reference, estimated), near]


def sections(case):
    reference, estimated = (
        np.array(list(zip(case[side], case[side][1:])), float).reshape(-1, 2) for side in ("reference", "estimated")
    )
    detect = mir_eval.segment.detection
    return [detect(reference, estimated, window=w, trim=t)[2] for w in (0.5, 3.0) for t in (False, True)]


def keys(case):
    try:
        return [mir_eval.key.weighted_score(case["reference"], case["estimated"])]
    except ValueError:
        return [-1.0]


QUALITIES = {"": "maj", "m": "min", "dim": "dim", "7": "7", "maj7": "maj7", "m7": "min7", "6": "maj6", "m6": "min6"}


def harte(name):
    if name == "N":
        return name
    root = name[:2] if name[1:2] in ("#", "b") else name[:1]
    return f"{root}:{QUALITIES[name[len(root):]]}"


def chords(case):
    spans = ([(s["start"], s["end"]) for s in case[side]] for side in ("reference", "estimated"))
    reference, estimated = (np.array(list(side), float).reshape(-1, 2) for side in spans)
    names = [[harte(s["name"]) for s in case[side]] for side in ("reference", "estimated")]
    estimated, said = mir_eval.util.adjust_intervals(
        estimated, names[1], reference.min(), reference.max(), mir_eval.chord.NO_CHORD, mir_eval.chord.NO_CHORD
    )
    intervals, true, said = mir_eval.util.merge_labeled_intervals(reference, names[0], estimated, said)
    comparisons = mir_eval.chord.majmin(true, said)
    if not (comparisons >= 0).any():
        return [-1.0]
    return [mir_eval.chord.weighted_accuracy(comparisons, mir_eval.util.intervals_to_durations(intervals))]


score = {"beats": beats, "sections": sections, "keys": keys, "chords": chords}[sys.argv[1]]
json.dump([[float(value) for value in score(case)] for case in json.load(sys.stdin)], sys.stdout)
