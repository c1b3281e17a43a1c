"""Metres, bars, tempo maps and song plans.

Positions are counted in felt beats from the first downbeat; a pickup has negative positions.
"""
from dataclasses import dataclass, field

import numpy as np


def pick(rng, table):
    """One key of `table`, drawn by its weights; a list draws evenly."""
    if not isinstance(table, dict):
        return table[int(rng.integers(len(table)))]
    keys = list(table)
    weights = np.array([table[k] for k in keys], float)
    return keys[int(rng.choice(len(keys), p=weights / weights.sum()))]


@dataclass(frozen=True)
class Meter:
    """A bar: felt beats, steps a beat is divided into, and accent groups in beats."""
    name: str
    beats: int
    sub: int
    groups: tuple = ()

    def group_starts(self):
        return [sum(self.groups[:i]) for i in range(len(self.groups))]


_GROUPINGS = {
    "4/4": (4, 4, [(2, 2)]), "2/4": (2, 4, [(2,)]), "2/2": (2, 4, [(2,)]),
    "3/4": (3, 4, [(3,)]), "6/4": (6, 4, [(3, 3), (2, 2, 2), (4, 2)]),
    "6/8": (2, 3, [(2,)]), "9/8": (3, 3, [(3,)]), "12/8": (4, 3, [(2, 2)]), "3/8": (1, 3, [(1,)]),
    "5/4": (5, 4, [(3, 2), (2, 3)]), "7/8": (7, 2, [(2, 2, 3), (3, 2, 2), (2, 3, 2)]),
    "7/4": (7, 4, [(4, 3), (3, 4)]), "5/8": (5, 2, [(3, 2), (2, 3)]),
}


def make_meter(rng, name):
    beats, sub, groupings = _GROUPINGS[name]
    return Meter(name, beats, sub, pick(rng, groupings))


@dataclass
class Bar:
    start: int
    meter: Meter
    section: int = 0
    in_section: int = 0
    last: bool = False


class TimeMap:
    """Seconds of every position: a tempo curve over whole beats, then swing inside the beat."""

    def __init__(self, rng, bpm, first, last, kind, phrase, swing=0.5, swing_unit=0.5):
        self.first, self.swing, self.unit = first, swing, swing_unit
        count = last - first + 2
        log_tempo = tempo_curve(rng, kind, count, phrase, -first)
        steps = 60.0 / bpm * np.exp(-log_tempo)
        self.times = np.concatenate([[0.0], np.cumsum(steps)])

    def shift(self, seconds):
        self.times = self.times + seconds

    def __call__(self, position):
        pos = np.asarray(position, float) - self.first
        if self.swing != 0.5:
            pair = 2 * self.unit
            whole = np.floor((pos + 1e-6) / pair) * pair
            part = (pos - whole) / pair
            part = np.where(part < 0.5, part * 2 * self.swing, self.swing + (part - 0.5) * 2 * (1 - self.swing))
            pos = whole + part * pair
        return np.interp(pos, np.arange(len(self.times)), self.times)


def tempo_curve(rng, kind, count, phrase, offset):
    """Log tempo relative to the piece's tempo, one value a beat."""
    beat = np.arange(count)
    curve = np.zeros(count)
    if kind == "human":
        curve = np.cumsum(rng.normal(0, rng.uniform(0.002, 0.006), count)) + rng.normal(0, 0.006, count)
    elif kind == "drift":
        curve = np.cumsum(rng.normal(0, rng.uniform(0.006, 0.018), count))
        curve = np.clip(curve, -0.3, 0.3)
    elif kind == "ramp":
        curve = np.linspace(0, rng.choice([-1, 1]) * rng.uniform(0.08, 0.4), count)
    elif kind == "step":
        at = int(rng.integers(max(1, count // 4), max(2, 3 * count // 4)))
        curve = np.where(beat >= at, rng.choice([-1, 1]) * rng.uniform(0.05, 0.35), 0.0)
    elif kind == "sine":
        depth, period = rng.uniform(0.02, 0.085), rng.uniform(16, 64)
        curve = depth * np.sin(2 * np.pi * beat / period + rng.uniform(0, 6.3))
    elif kind in ("rubato", "fermata"):
        curve = _rubato(rng, count, phrase, offset)
        if kind == "fermata":
            curve *= 0.4
            for end in range(offset + phrase - 1, count, phrase):
                if rng.random() < 0.7:
                    curve[end] -= rng.uniform(0.4, 1.0)
    return curve


def _rubato(rng, count, phrase, offset):
    """Phrases that quicken towards the middle and slow at the end, with agogic lengthenings."""
    beat = np.arange(count)
    inside = ((beat - offset) % phrase) / phrase
    depth = rng.uniform(0.03, 0.2)
    curve = depth * np.sin(np.pi * inside) - depth * 0.6 + rng.normal(0, rng.uniform(0.008, 0.035), count)
    for end in range(offset + phrase, count + phrase, phrase):
        if rng.random() < 0.55:
            ritardando = rng.uniform(0.05, 0.4)
            for back, share in ((1, 1.0), (2, 0.6), (3, 0.3)):
                if 0 <= end - back < count:
                    curve[end - back] -= ritardando * share
    return curve + np.clip(np.cumsum(rng.normal(0, 0.008, count)), -0.15, 0.15)


@dataclass
class Section:
    """Bars that share a texture: which roles sound, how the drums play, how loud."""
    kind: str
    bars: int
    roles: dict = field(default_factory=dict)
    drums: str = "full"
    level: float = 1.0


BAND_SECTIONS = {"intro": 1, "verse": 4, "chorus": 4, "solo": 1.5, "break": 1.2, "drumsolo": 0.5, "thin": 1.0}
CLUB_CYCLE = ["intro", "groove", "breakdown", "build", "drop", "drop", "groove", "breakdown", "build", "drop", "outro"]


def plan_band(rng, bars):
    """Song sections in a plausible order, starting anywhere."""
    sections, total, length = [], 0, int(pick(rng, {4: 5, 8: 5, 2: 0.6, 6: 0.5}))
    late = rng.random() < 0.15
    while total < bars:
        kind = "intro" if total == 0 and rng.random() < 0.45 else pick(rng, BAND_SECTIONS)
        n = length if kind != "break" else int(pick(rng, [2, 4]))
        drums, level = "full", 1.0
        if kind == "intro":
            drums = pick(rng, {"none": 3, "hats": 2, "full": 2, "nokick": 1})
            n = min(n, 4)
        elif kind == "break":
            drums, level = pick(rng, {"none": 4, "hats": 1, "kick": 1}), 0.8
        elif kind in ("verse", "thin"):
            level = 0.85
        if late and total < length * 2:
            drums = "none"
        sections.append(Section(kind, n, {}, drums, level))
        total += n
    return sections


def plan_club(rng, bars):
    """Eight- or four-bar blocks of dance music, entered somewhere along the cycle."""
    length = int(pick(rng, {4: 5, 8: 4, 2: 0.7}))
    start = int(pick(rng, {0: 5, 1: 3, 2: 0.8, 3: 0.8, 4: 2, 6: 1.5}))
    sections, total, i = [], 0, start
    while total < bars:
        kind = CLUB_CYCLE[i % len(CLUB_CYCLE)]
        n = length if kind != "build" else max(2, length // 2 if rng.random() < 0.5 else length)
        drums = {"intro": pick(rng, {"kick": 3, "hats": 2, "nokick": 1, "full": 2}), "groove": "full",
                 "breakdown": pick(rng, {"none": 4, "hats": 1}), "build": "roll", "drop": "full",
                 "outro": pick(rng, {"kick": 1, "full": 2})}[kind]
        level = {"breakdown": 0.7, "build": 0.8, "intro": 0.8}.get(kind, 1.0)
        sections.append(Section(kind, n, {}, drums, level))
        total, i = total + n, i + 1
    return sections


def lay_bars(rng, sections, meter, changes):
    """The bars of all sections; `changes` lists metres that single bars or sections may take."""
    bars, pos = [], 0
    for si, section in enumerate(sections):
        here = pick(rng, changes) if changes and rng.random() < 0.5 else meter
        for k in range(section.bars):
            m = pick(rng, changes) if changes and rng.random() < 0.15 else here
            bars.append(Bar(pos, m, si, k, k == section.bars - 1))
            pos += m.beats
    return bars
