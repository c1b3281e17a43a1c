"""Keys, chords, accompaniment figures, bass lines and melodies, as (position, length, pitches, accent)."""
import numpy as np

from music.forms import pick

SCALES = {"major": [0, 2, 4, 5, 7, 9, 11], "minor": [0, 2, 3, 5, 7, 8, 10], "dorian": [0, 2, 3, 5, 7, 9, 10],
          "mixolydian": [0, 2, 4, 5, 7, 9, 10], "phrygian": [0, 1, 3, 5, 7, 8, 10], "harmonic": [0, 2, 3, 5, 7, 8, 11]}
LOOPS = [[0, 4, 5, 3], [0, 5, 3, 4], [5, 3, 0, 4], [0, 3, 4, 3], [0, 3, 0, 4], [1, 4, 0, 0], [0, 0, 3, 4], [0, 6, 5, 4],
         [0, 6, 3, 0], [0, 2, 3, 4], [0, 3], [0, 6], [0], [0, 0, 0, 0, 3, 3, 0, 0, 4, 3, 0, 4], [0, 4, 5, 2, 3, 0, 3, 4],
         [0, 5, 1, 4], [2, 5, 1, 4], [0, 4, 0, 4], [0, 0, 4, 4, 4, 4, 0, 0]]


class Harmony:
    """A key, a chord loop and the pitch of any scale degree."""

    def __init__(self, rng, modes=None):
        self.key = int(rng.integers(-5, 7))
        self.scale = SCALES[pick(rng, modes or {"major": 5, "minor": 4, "dorian": 1.5, "mixolydian": 1.2, "phrygian": 0.5, "harmonic": 1})]
        self.loop = list(LOOPS[int(rng.integers(len(LOOPS)))])
        if rng.random() < 0.3:
            self.loop = [0] + [int(rng.integers(7)) for _ in range(int(pick(rng, [1, 3, 3, 7])))]
        self.rate = pick(rng, {"bar": 7, "two": 2, "half": 1.5})

    def degree(self, bar_index, beat, meter):
        if self.rate == "two":
            return self.loop[(bar_index // 2) % len(self.loop)]
        if self.rate == "half" and meter.beats >= 2:
            return self.loop[(bar_index * 2 + (beat >= meter.beats / 2)) % len(self.loop)]
        return self.loop[bar_index % len(self.loop)]

    def pitch(self, degree, base):
        return base + self.key + 12 * (degree // 7) + self.scale[degree % 7]


def half_step(meter):
    return 2 / 3 if meter.sub == 3 else 0.5


def rhythm(rng, meter, density):
    """Random onsets weighted by metrical strength."""
    grid = np.arange(meter.beats * meter.sub) / meter.sub
    weight = np.where(grid % 1 == 0, 1.0, np.where(np.isclose(grid % 1, 0.5), 0.75, 0.45)) * density * 1.6
    weight[0] = max(weight[0], 0.7)
    return [float(x) for x, w in zip(grid, weight) if rng.random() < w] or [0.0]


COMPS = ["pad", "halves", "beat", "offbeat", "strum", "strum16", "arp", "arpfast", "broken", "sync", "oompah", "alberti",
         "chug", "chug16", "charleston", "montuno", "tresillo", "bubble", "repeat8", "repeat16", "chorale", "nocturne",
         "stride", "after", "power", "gate", "rag"]


def comp_positions(rng, kind, meter, fixed):
    """(position, length, which) of one bar; `which` is 'chord', 'low' or a chord-tone index."""
    b, h = meter.beats, half_step(meter)
    sub = [i / meter.sub for i in range(b * meter.sub)]
    eighths = [x for beat in range(b) for x in ((beat, beat + h) if meter.sub != 3 else (beat, beat + 1 / 3, beat + 2 / 3))]
    gap = 0.5 if meter.sub != 3 else 1 / 3
    if kind == "pad":
        return [(0, b * 0.98, "chord")]
    if kind == "halves":
        return [(x, 1.9, "chord") for x in range(0, b, 2)]
    if kind in ("beat", "chorale"):
        return [(x, 0.92, "chord") for x in range(b)]
    if kind == "offbeat":
        return [(x + h, 0.25, "chord") for x in range(b)]
    if kind in ("strum", "repeat8"):
        return [(x, gap * 0.9, "chord") for x in eighths if kind == "repeat8" or x % 1 == 0 or rng.random() < 0.8]
    if kind in ("strum16", "repeat16"):
        return [(x, 0.9 / meter.sub, "chord") for x in sub if kind == "repeat16" or x % 1 == 0 or rng.random() < 0.75]
    if kind in ("arp", "arpfast", "alberti", "broken"):
        places = sub if kind == "arpfast" else eighths
        order = (0, 2, 1, 2) if kind == "alberti" else fixed
        return [(x, 0.5 if kind == "alberti" else 1.2, order[i % len(order)]) for i, x in enumerate(places)]
    if kind == "sync":
        return [(x, 0.4, "chord") for x in fixed]
    if kind in ("oompah", "stride"):
        step = 2 if kind == "stride" or b % 2 == 0 and b > 2 else b
        lows = [x for x in range(0, b, step)] if b > 2 else [0]
        return [(x, 0.8, "low") for x in lows] + [(x, 0.45, "chord") for x in range(b) if x not in lows] \
            + ([(h + x, 0.3, "chord") for x in range(b)] if b <= 2 and rng.random() < 0.3 else [])
    if kind == "after":
        return [(x, 0.4, "chord") for x in eighths if x % 1]
    if kind in ("chug", "chug16"):
        places = eighths if kind == "chug" else sub
        return [(x, 0.6 / meter.sub, "power") for x in places if x % 1 == 0 or rng.random() < 0.88]
    if kind == "power":
        return [(0, b * 0.9, "power")] if rng.random() < 0.5 else [(x, 1.3, "power") for x in fixed]
    if kind == "charleston":
        return [(0, 0.6, "chord"), (1 + h if b > 1 else h, 0.3, "chord")]
    if kind == "montuno":
        return [(x * b / 4, 0.4, i % 3) for i, x in enumerate((0, 0.5, 1, 1.5, 2.5, 3, 3.5))] + [(b * 0.375, 0.4, "chord")]
    if kind == "tresillo":
        return [(x * b / 8, 0.6, "chord") for x in (0, 3, 6)]
    if kind == "bubble":
        return [(x, 0.2, "chord" if x % 1 else "low") for x in eighths if x % 1 or rng.random() < 0.3]
    if kind == "gate":
        return [(x, 0.4 / meter.sub, "chord") for i, x in enumerate(sub) if fixed and (i % 8) in (0, 3, 6) or x % 1 == 0]
    if kind == "nocturne":
        return [(0, 0.9, "low")] + [(x, 0.8, i % 3) for i, x in enumerate(eighths) if x > 0]
    if kind == "rag":
        return [(x, 0.6, "low" if x % 2 == 0 else "chord") for x in range(b)]
    return [(0, b * 0.95, "chord")]


def bass_positions(rng, kind, meter, kicks, fixed):
    """(position, length, chord step, octave) of one bar of bass."""
    b, h = meter.beats, half_step(meter)
    if kind == "one":
        return [(0, b * 0.95, 0, 0)]
    if kind == "beat":
        return [(x, 0.85, 0, 0) for x in range(b)]
    if kind == "halves":
        return [(x, 1.6, 0 if i % 2 == 0 else 4, 0) for i, x in enumerate(range(0, b, 2))]
    if kind == "eights":
        gap = 0.5 if meter.sub != 3 else 1 / 3
        return [(i * gap, gap * 0.9, 0, 0) for i in range(int(round(b / gap)))]
    if kind == "off":
        return [(x + h, 0.4, 0, 0) for x in range(b)]
    if kind == "octaves":
        return [(x + y, 0.4, 0, int(y > 0)) for x in range(b) for y in (0, h)]
    if kind == "rolling":
        return [(x + y, 0.22, 0, 0) for x in range(b) for y in (0.25, 0.5, 0.75)]
    if kind == "walk":
        steps = [0] + [int(rng.choice([2, 4, 1, -1, 3, 6, -2])) for _ in range(b - 1)]
        return [(i, 0.95, s, 0) for i, s in enumerate(steps)]
    if kind == "walk8":
        steps = np.cumsum([0] + [int(rng.choice([1, -1, 2, -2])) for _ in range(2 * b - 1)])
        return [(i / 2, 0.45, int(s), 0) for i, s in enumerate(steps)]
    if kind == "tumbao":
        return [(b * 3 / 8, 0.9, 4, 0), (b * 6 / 8, 0.9, 0, 0)] if rng.random() < 0.8 else [(0, 1, 0, 0), (b * 3 / 8, 1, 4, 0)]
    if kind == "bossa":
        return [(0, 1.2, 0, 0), (b * 3 / 8, 0.5, 4, 0), (b / 2, 1.2, 4, 0), (b * 7 / 8, 0.5, 0, 0)]
    if kind == "oompah":
        return [(x, 0.7, 0 if i % 2 == 0 else 4, 0) for i, x in enumerate(range(0, b, 2 if b % 2 == 0 and b > 2 else b if b == 3 else 1))]
    if kind == "dub":
        return [(x, 0.6, int(rng.choice([0, 0, 2, 4])), 0) for x in fixed if x > 0 or rng.random() < 0.6]
    if kind == "kick":
        return [(x, 0.4, 0, 0) for x in kicks] or [(0, b * 0.9, 0, 0)]
    return [(x, 0.45, int(rng.choice([0, 0, 0, 4, 7, 2])), 0) for x in fixed]


CELLS = {
    "even4": {(0, .25, .5, .75): 7, (0, .5): 1.5, (0, .5, .75): 1.5, (0, .25, .5): 1.5, (0,): 0.3},
    "even2": {(0, .5): 8, (0,): 2}, "jig": {(0, 1 / 3, 2 / 3): 7, (0, 2 / 3): 3, (0,): 0.8, (0, 1 / 3): 0.4},
    "snap": {(0, .25): 3, (0, .75): 4, (0, .5): 1, (0,): 1}, "dotted": {(0, .75): 6, (0, .5): 1, (0,): 1},
    "air": {(0,): 4, (0, .5): 3, (): 2.5, (0, .75): 1, (0, .25, .5, .75): 0.4},
    "classical": {(0,): 3, (0, .5): 3, (0, .25, .5, .75): 1.8, (): 1, (0, .75): 1, (0, .5, .75): 1, (.5,): 0.4},
    "pop": {(0, .5): 3, (.5,): 1.5, (0,): 2, (): 2.2, (0, .75): 1, (.25, .75): 0.6, (.5, .75): 0.8, (0, .25, .5): 0.6},
    "sync": {(.5,): 3, (.25, .75): 1.5, (0, .75): 2, (.75,): 1.5, (): 2, (0, .5): 1}, "long": {(0,): 2, (): 3},
    "triplet": {(0, 1 / 3, 2 / 3): 4, (0, 2 / 3): 2, (0,): 2, (): 0.7}, "swung": {(0, .5): 5, (0,): 2, (.5,): 1.5, (): 1.5},
    "chant": {(0,): 6, (0, .5): 2, (): 1}, "run": {(0, .25, .5, .75): 1}, "run2": {(0, .5): 1},
    "compound_air": {(0,): 3, (0, 2 / 3): 3, (): 1.5, (0, 1 / 3, 2 / 3): 1},
}


def motif(rng, kind, meter):
    """One bar of melody: (position, scale step)."""
    if meter.sub == 3:
        kind = {"even4": "jig", "even2": "jig", "classical": "compound_air", "air": "compound_air", "pop": "compound_air",
                "snap": "jig", "dotted": "jig", "run": "jig", "run2": "jig", "swung": "triplet", "sync": "compound_air"}.get(kind, kind)
    table, step, notes = CELLS[kind], int(rng.integers(-2, 6)), []
    for beat in range(meter.beats):
        for x in pick(rng, table):
            notes.append((beat + x, step))
            step += int(rng.choice([-3, -2, -1, -1, 0, 1, 1, 2, 3], p=[.05, .12, .22, .08, .08, .18, .1, .12, .05]))
            step = max(-5, min(9, step))
    return notes or [(0.0, step)]
