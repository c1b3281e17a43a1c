"""Scores two documents of `arsis analyze --format json` with mir_eval: A is the reference. Prints a JSON object."""

import json
import sys

import mir_eval
import numpy as np

a, b = (json.load(open(path)) for path in sys.argv[1:])


def times(document, kind):
    return np.array([e["time_ms"] / 1000 for e in document["events"] if e["event_type"] == kind])


def spans(document, kind):
    events = [e for e in document["events"] if e["event_type"] == kind]
    return np.array([[e["time_ms"], e["time_ms"] + e["duration_ms"]] for e in events]) / 1000, events


def harte(event):
    name = event["event_data"]["name"]
    return name[:-1] + ":min" if name.endswith("m") else name + ":maj"


def chords():
    (reference, true), (estimated, said) = spans(a, "chord"), spans(b, "chord")
    estimated, said = mir_eval.util.adjust_intervals(
        estimated, [harte(e) for e in said], reference.min(), reference.max(), "N", "N"
    )
    intervals, true, said = mir_eval.util.merge_labeled_intervals(reference, [harte(e) for e in true], estimated, said)
    durations = mir_eval.util.intervals_to_durations(intervals)
    return mir_eval.chord.weighted_accuracy(mir_eval.chord.majmin(true, said), durations)


beats = [mir_eval.beat.trim_beats(times(document, "beat")) for document in (a, b)]
downbeats = [mir_eval.beat.trim_beats(times(document, "downbeat")) for document in (a, b)]
cml_c, cml_t, aml_c, aml_t = mir_eval.beat.continuity(*beats)
sections = [spans(document, "section")[0] for document in (a, b)]
print(json.dumps({
    "beats": {
        "f_measure": mir_eval.beat.f_measure(*beats), "cemgil": mir_eval.beat.cemgil(*beats)[0],
        "cml_c": cml_c, "cml_t": cml_t, "aml_c": aml_c, "aml_t": aml_t,
    },
    "downbeats": {"f_measure": mir_eval.beat.f_measure(*downbeats)},
    "key": {"weighted_score": mir_eval.key.weighted_score(*(d["summary"]["key"]["name"] for d in (a, b)))},
    "chords": {"overlap": chords()},
    "sections": {
        "f_measure_half_s": mir_eval.segment.detection(*sections, window=0.5, trim=True)[2],
        "f_measure_3_s": mir_eval.segment.detection(*sections, window=3.0, trim=True)[2],
    },
}))
