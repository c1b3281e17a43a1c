"""Scores cases with mir_eval: a JSON document on standard input, one list of scores a case on standard output."""

import json
import sys
import warnings

import mir_eval
import numpy as np

warnings.filterwarnings("ignore")


def beats(case):
    reference, estimated = (np.array(case[side], float) for side in ("reference", "estimated"))
    return [mir_eval.beat.f_measure(reference, estimated), *mir_eval.beat.continuity(reference, estimated)]


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


score = {"beats": beats, "sections": sections, "keys": keys}[sys.argv[1]]
json.dump([[float(value) for value in score(case)] for case in json.load(sys.stdin)], sys.stdout)
