"""Drum patterns as step strings over General MIDI percussion.

X accent, x stroke, o ghost note, ? a stroke that may be left out. A string is spread evenly over
the bar, so 8, 12 or 16 letters give eighths, triplets or sixteenths in 4/4.
"""
from music.forms import pick

KICK, SNARE, CLAP, RIM, HAT, PEDAL, OPEN, CRASH, RIDE, BELL = 36, 38, 39, 37, 42, 44, 46, 49, 51, 53
LOW_TOM, MID_TOM, HIGH_TOM, TAMB, COWBELL, CLAVES, SHAKER = 43, 47, 50, 54, 56, 75, 82
CONGA_MUTE, CONGA, CONGA_LOW, BONGO_HI, BONGO_LO, TIMBALE, GUIRO, BLOCK = 62, 63, 64, 60, 61, 65, 73, 76
NAMES = {"K": KICK, "S": SNARE, "C": CLAP, "R": RIM, "H": HAT, "P": PEDAL, "O": OPEN, "Z": CRASH, "D": RIDE,
         "B": BELL, "t": LOW_TOM, "m": MID_TOM, "h": HIGH_TOM, "T": TAMB, "W": COWBELL, "V": CLAVES, "A": SHAKER,
         "q": CONGA_MUTE, "c": CONGA, "l": CONGA_LOW, "b": BONGO_HI, "d": BONGO_LO, "i": TIMBALE, "g": GUIRO,
         "w": BLOCK, "e": 69, "u": 70, "y": 80, "v": 81, "Y": 55}

# "*" is the timekeeper: hat, ride or another instrument, chosen once a piece.
PATTERNS = {
    "rock": [{"*": "XxXxXxXx", "S": "..X...X.", "K": "X...X?.?"}, {"*": "XxXxXxXx", "S": "..X...X.", "K": "X..xX..."},
             {"*": "x.x.x.x.", "S": "..X...X.", "K": "X.?xX.?x"}, {"*": "XoxoXoxoXoxoXoxo", "S": "....X.......X...", "K": "X.....x.x.?...?."},
             {"t": "XxXxXxXx", "S": "..X...X.", "K": "X?..X?.?"}, {"*": "X.x.X.x.", "S": "..X...Xx", "K": "X..x.x.?"}],
    "motown": [{"S": "X.X.X.X.", "K": "X.?xX.?x", "T": "..X...X.", "*": "x.x.x.x."}, {"S": "XXXX", "K": "X.x.", "T": "xxxx"}],
    "pop": [{"K": "X.x.X.x.", "C": "..X...X.", "*": "xxxxxxxx"}, {"K": "X..X..X.", "C": "..X...X.", "*": "x.x.x.x."},
            {"K": "X.....xxX...?...", "S": "....X.......X...", "*": "x.xxx.xxx.xxx.xx"}],
    "half": [{"*": "XxXxXxXx", "S": "....X...", "K": "X?.x..?."}, {"*": "X.X.X.X.", "S": "....X...", "K": "X......x"}, {"*": "XoxoXoxoXoxoXoxo", "S": "........X.......", "K": "X..x....?.x....."}],
    "punk": [{"*": "XXXXXXXX", "S": "..X...X.", "K": "X..xX..x"}, {"*": "X.X.X.X.", "S": ".X.X.X.X", "K": "X.X.X.X."}, {"*": "XxXxXxXx", "S": "..X...X.", "K": "X.xxX.x?"}],
    "thrash": [{"*": "X.X.X.X.", "S": ".X.X.X.X", "K": "XxX.XxX."}, {"*": "XxXxXxXx", "S": "..X...X.", "K": "xxxxxxxxxxxxxxxx"}, {"B": "X.X.X.X.", "S": ".X.X.X.X", "K": "X?X?X?X?"}],
    "blast": [{"*": "XxXxXxXx", "S": ".X.X.X.X", "K": "X.X.X.X."}, {"*": "XXXX", "S": "X.X.X.X.X.X.X.X.", "K": ".X.X.X.X.X.X.X.X"}, {"Z": "X.X.X.X.", "S": "XXXXXXXX", "K": "XXXXXXXX"}],
    "doublekick": [{"*": "X.X.X.X.", "S": "..X...X.", "K": "xxxxxxxxxxxxxxxx"}, {"Z": "X.X.X.X.", "S": "....X...", "K": "xxxxxxxxxxxxxxxx"}, {"*": "XXXX", "S": "..X...X.", "K": "xxxxxxxx"}],
    "double": [{"*": "XxXxXxXx", "S": ".X.X.X.X", "K": "X.X.X.X."}, {"*": "X.X.X.X.", "S": ".X.X.X.X", "K": "X?X?X?X?"},
               {"*": "XXXXXXXX", "S": ".X.X.X.X", "K": "x.xxx.x."}, {"O": ".X.X.X.X", "S": ".X.X.X.X", "K": "X.X.X.X."},
               {"*": "xXxXxXxX", "S": ".X.X.X.X", "K": "X.X.X.XX"}, {"Z": ".X.X.X.X", "S": ".X.X.X.X", "K": "x.x.x.x."},
               {"*": "x.x.x.x.x.x.x.x.", "S": "..X...X...X...X.", "K": "X..xX..xX..xX..x"},
               {"*": "x.x.x.x.x.x.x.x.", "S": "..X...X...X...X.", "K": "xxxxxxxxxxxxxxxx"},
               {"D": "x...x...x...x...", "S": "..X...X...X...X.", "K": "X...Xx..X...Xx.?"}],
    "breakdown": [{"Z": "X...X...X...X...", "S": "........X.......", "K": "X..x..x...x..x.."}, {"*": "X.X.X.X.", "S": "....X...", "K": "X.xx..x."}],
    "house": [{"K": "XXXX", "C": ".X.X", "O": ".x.x.x.x", "A": "?o?o?o?o?o?o?o?o"}, {"K": "XXXX", "H": ".x.x.x.x", "S": ".X.X"}, {"K": "XXXX", "C": ".X.X", "H": "xoxoxoxoxoxoxoxo", "O": ".x.x.x.x", "R": "...?..?....?..?."}],
    "techno": [{"K": "XXXX", "H": "..x...x...x...x.", "R": "..?..?..?..?..?."}, {"K": "XXXX", "O": ".x.x.x.x", "t": "...o..o..o....o.", "C": "?.......?...x..."}, {"K": "XXXX", "H": "oxoxoxoxoxoxoxox", "D": "xxxxxxxx"}],
    "trance": [{"K": "XXXX", "O": ".X.X.X.X", "C": ".X.X", "H": "o.ooo.ooo.ooo.oo"}, {"K": "XXXX", "O": ".X.X.X.X"}],
    "disco": [{"K": "XXXX", "S": ".X.X", "O": ".x.x.x.x", "H": "x.x.x.x."}, {"K": "XXXX", "S": ".X.X", "H": "xxxxxxxxxxxxxxxx"}, {"K": "XXXX", "C": ".X.X", "T": "xxxxxxxx", "c": "..?x..?x"}],
    "dnb": [{"K": "X.........X.....", "S": "....X.......X...", "H": "x.x.x.x.x.x.x.x."}, {"K": "X.X.......XX....", "S": "....X..o.o..X..o", "D": "x.x.x.x.x.x.x.x."}, {"K": "X.........?X..?.", "S": "....X..?.?..X...", "H": "xoxoxoxoxoxoxoxo"}],
    "breakbeat": [{"K": "X.X.......XX....", "S": "....X..o.o..X..o", "H": "x.x.x.x.x.x.x.x."}, {"K": "X..X..X...X.....", "S": "....X.......X..?", "H": "xxxxxxxx"}, {"K": "X......x..X.....", "S": "....X..o.o..X.o.", "O": "..............x.", "H": "x.x.x.x.x.x.x.x."}],
    "dubstep": [{"K": "X.......?.......", "S": "........X.......", "H": "x.x.x.x.x.x.x.x."}, {"K": "X.....X......?..", "S": "........X.......", "H": "x..x..x..x..x..x"}],
    "trap": [{"K": "X......X..X...?.", "C": "........X.......", "H": "x.x.x.x.x.x.xxx."}, {"K": "X.....?....X....", "S": "........X.......", "H": "xxxxxxxxxxxxxxxx"}, {"K": "X..?......X.....", "C": "........X.......", "H": "x.x.xxx.x.x.x.xx"}],
    "hiphop": [{"K": "X.....?.X.X.....", "S": "....X.......X...", "H": "x.x.x.x.x.x.x.x."}, {"K": "X..X......X..?..", "S": "....X.......X..o", "H": "x.x.x.x.x.x.x.xo"}, {"K": "X.?....x..X.....", "C": "....X.......X...", "H": "xoxoxoxoxoxoxoxo"}],
    "funk": [{"K": "X.x.......x..x..", "S": "....X..o.o..X..o", "H": "xxxxxxxxxxxxxxxx"}, {"K": "X..x..x...X.....", "S": ".o..X.o..o..X.o.", "H": "x.x.x.xXx.x.x.x."}, {"K": "X......x..x..x.?", "S": "....X..o.o.oX...", "*": "x.x.x.x.x.x.x.x."}],
    "synthwave": [{"K": "XXXX", "S": ".X.X", "H": "xxxxxxxx"}, {"K": "X...X.x.", "S": "..X...X.", "H": "xoxoxoxoxoxoxoxo"}],
    "chip": [{"K": "X...X...", "S": "..X...X.", "H": "xxxxxxxx"}, {"K": "X.xX..x.", "S": "..X...X.", "H": ".x.x.x.x"}, {"S": "..X...X.", "H": "x.x.x.x."}],
    "onedrop": [{"K": "....X...", "R": "....X...", "H": "xxxxxxxx"}, {"K": "..X...X.", "R": "..X...X.", "H": "x.x.x.x."}],
    "steppers": [{"K": "XXXX", "R": ".X.X", "H": "xoxoxoxo"}, {"K": "XXXX", "S": "..X.", "H": ".x.x.x.x"}],
    "ska": [{"K": "X.X.", "S": ".X.X", "H": ".x.x.x.x"}, {"K": "XXXX", "R": ".X.X", "H": "xxxxxxxx"}],
    "reggaeton": [{"K": "XXXX", "S": "...X..X....X..X.", "H": "x.x.x.x."}, {"K": "X...X...", "C": "...X..X....X..X."}],
    "son": [{"V": "X..X..X...X.X...", "c": "..x...xx..x...xx", "q": "x...x...x...x...", "W": "X...x...X...x...", "u": "x.xxx.xxx.xxx.xx"}, {"V": "..X.X...X..X..X.", "i": "x.xx.x.xx.xx.x.x", "c": "..x...xx..x...xx", "K": "...x..x....x..x."}],
    "rumba": [{"V": "X..X...X..X.X...", "w": "x.x.xx.xx.x.xx.x", "l": "......xx......xx", "q": "X...x...x...x..."}, {"V": "X..X...X..X.X...", "g": "x.xxx.xx", "d": "x.o.x.o.", "b": "..xx..xx"}],
    "bossa": [{"R": "X..X..X...X..X..", "K": "X..xX..x", "H": "xxxxxxxx"}, {"R": "..X..X..X..X..X.", "K": "X..xX..x", "A": "xoxoxoxoxoxoxoxo"}],
    "samba": [{"K": "X..xX..x", "A": "XooxXooxXooxXoox", "T": "XoxxXoxxXoxxXoxx", "R": "x.x.xx.x.x.xx.x."}, {"t": "..X...X.", "h": "o.o.o.o.", "u": "XxxxXxxxXxxxXxxx", "y": "x.xx.x.xx.xx.x.x"}],
    "afro12": [{"W": "X.x.xx.x.x.x", "c": "..x..x..x..x", "K": "X.....X.....", "A": "x.xx.xx.xx.x"}, {"W": "X.x.x.xx.x.x", "l": "X.....x..x..", "q": "..xx..x..x.x"}, {"*": "X.xX.xX.xX.x", "K": "X..x.xX....x", "S": "...X.....X.."}],
    "march": [{"K": "X.X.", "S": "xoxxXoxxxoxxXoxx"}, {"K": "X.X.", "S": ".X.X", "Z": "x.x."}, {"K": "XxXx", "S": "x.xxx.xxx.x.xxxx"}],
    "polka": [{"K": "X.X.", "S": ".X.X", "Z": "?..."}, {"K": "X.X.", "S": ".X.X", "H": "x.x.x.x."}],
    "swing": [{"D": "x.xox.xo", "P": ".X.X", "K": "o.o.o.o.", "S": "...?..?."}, {"D": "x.xox.xo", "P": ".X.X", "R": ".......?", "S": "?..?...o"}, {"S": "o.ooo.oo", "P": ".X.X", "K": "o.o."}],
    "shuffle": [{"*": "XxXxXxXx", "S": "..X...X.", "K": "X..xX.?."}, {"*": "XxXxXxXx", "S": "..X...X.", "K": "X.X.X.X."}, {"S": "oxXxoxXx", "K": "X.X.X.X.", "*": "X.X.X.X."}],
    "ballad": [{"*": "XxXxXxXx", "S": "..X...X.", "K": "X...X..?"}, {"*": "x.x.x.x.", "R": "..X...X.", "K": "X....?.."}, {"R": "....X...", "K": "X......x", "*": "x.x.x.x."}],
    "gospel12": [{"*": "XxxXxxXxxXxx", "S": "...X.....X..", "K": "X....xX....?"}, {"T": "...X.....X..", "S": "...X.....X..", "K": "X.....X.....", "*": "X..X..X..X.."}],
    "train": [{"S": "xoxxxoxxxoxxxoxx", "K": "X.X."}, {"S": "xxXxxxXxxxXxxxXx", "K": "X.X."}, {"S": "oxXxoxXx", "K": "X.X.", "P": ".x.x"}],
    "clapstomp": [{"K": "Xx..Xx..", "C": "..X...X."}, {"K": "X.X.", "C": ".X.X"}, {"C": "XXXX"}, {"T": ".X.X", "K": "X.X."}, {"C": ".X.X"}],
    "hand": [{"c": "Xo.xX.xo", "l": "X...X...", "A": "xoxoxoxo"}, {"d": "X..o..X.o.X..o..", "b": "..oX..oX..o...oX", "T": "x...x...x...x..."}, {"t": "X..x..X.", "A": "xxxxxxxx"}],
}
PATTERNS_3 = {
    "waltz": [{"K": "X..", "S": ".xx"}, {"K": "X..", "H": ".xx", "D": "x.x.x."}, {"K": "X....?", "S": "....X.", "*": "XxXxXx"}, {"K": "X..", "R": "..x", "*": "xxx"}],
    "rock": [{"K": "X....?", "S": "..X.X.", "*": "XxXxXx"}, {"K": "X..x..", "S": "....X.", "*": "XxXxXx"}, {"K": "X.....x.....", "S": "....X...x.?.", "*": "x.x.x.x.x.x."}],
    "swing": [{"D": "x.xox.", "P": ".X.", "K": "o..", "S": "...o.?"}, {"D": "x.x.xo", "P": ".xx", "R": "?..?.."}],
    "house": [{"K": "XXX", "O": ".x.x.x", "C": "..X"}],
}
PATTERNS_COMPOUND = {  # two beats of three steps
    "rock": [{"*": "XxxXxx", "K": "X....?", "S": "...X.."}, {"*": "XxxXxx", "K": "X.x...", "S": "...X.x"}, {"*": "X.xX.x", "K": "X.....", "R": "...X.."}],
    "jig": [{"t": "XoxXox"}, {"l": "X.xX.x", "d": ".o..o."}, {"T": "XoxXox", "K": "X..X.."}],
    "march": [{"K": "X..x..", "S": "XoxXxx"}],
}
TIMEKEEPERS = {HAT: 6, RIDE: 2.5, OPEN: 1, TAMB: 0.5, SHAKER: 0.5, PEDAL: 0.4, BELL: 0.4, COWBELL: 0.2}
VELOCITY = {"X": 112, "x": 88, "o": 45, "?": 78}


def source_patterns(style, meter):
    if meter.sub == 3 and meter.beats == 4:
        return PATTERNS.get(style) if style in ("afro12", "gospel12") else PATTERNS["gospel12"]
    if meter.sub == 3:
        return PATTERNS_COMPOUND.get(style, PATTERNS_COMPOUND["rock"])
    if meter.beats == 3:
        return PATTERNS_3.get(style, PATTERNS_3["rock"])
    if meter.beats == 4:
        return PATTERNS.get(style, PATTERNS["rock"])
    return None


def grouped_bar(rng, meter, timekeeper):
    """Odd metres and short bars: kick at group starts, snare inside the group, steady timekeeper."""
    hits = []
    step = 1.0 if meter.name in ("7/8", "5/8") or rng.random() < 0.25 else 0.5
    hits += [(i * step, timekeeper, 95 if (i * step) % 1 == 0 else 70) for i in range(int(meter.beats / step))]
    for start, size in zip(meter.group_starts(), meter.groups):
        hits.append((start, KICK, 114 if start == 0 else 100))
        for beat in range(1, size):
            if beat == (size if size < 4 else 2) // 2 or size == 2 or rng.random() < 0.25:
                hits.append((start + beat, SNARE, 105))
        if rng.random() < 0.4:
            hits.append((start + size - 0.5, KICK, 85))
    return hits


def bar_pattern(rng, style, meter, timekeeper, swap):
    """One bar of (position, note, velocity)."""
    choices = source_patterns(style, meter)
    if meter.beats == 2 and meter.sub == 4:
        choices = [{k: (v[:len(v) // 2] if len(v) > 2 else v) for k, v in p.items()} for p in PATTERNS.get(style, PATTERNS["polka"])]
    if choices is None:
        return grouped_bar(rng, meter, timekeeper)
    pattern = pick(rng, choices)
    whole = pattern
    hits = []
    tile = meter.beats // 2 if meter.sub == 3 and meter.beats == 6 else 1
    if meter.sub == 3 and meter.beats == 3:
        whole = {k: v + v[3:] if len(v) == 6 else v for k, v in pattern.items()}
    if meter.sub == 3 and meter.beats == 1:
        whole = {k: v[:3] if len(v) == 6 else v for k, v in pattern.items()}
    for name, steps in whole.items():
        note = timekeeper if name == "*" else swap.get(NAMES[name], NAMES[name])
        steps = steps * tile
        width = meter.beats / len(steps)
        for i, letter in enumerate(steps):
            if letter == "." or letter == "?" and rng.random() < 0.5:
                continue
            hits.append((i * width, note, VELOCITY[letter]))
    return hits


def vary(rng, hits, meter):
    """A near copy: a stroke or two dropped or added off the beat."""
    kept = [h for h in hits if h[0] % 1 == 0 or rng.random() < 0.9]
    if rng.random() < 0.5:
        kept.append((int(rng.integers(meter.beats * 2)) / 2 if meter.sub != 3 else int(rng.integers(meter.beats * 3)) / 3,
                     pick(rng, [KICK, SNARE, HAT, OPEN]), int(rng.integers(45, 95))))
    return kept


def fill(rng, meter, start):
    """Strokes from `start` to the end of the bar."""
    step = pick(rng, {1 / meter.sub: 3, 0.5 if meter.sub != 3 else 1 / 3: 2})
    drums = pick(rng, [[SNARE], [SNARE, HIGH_TOM, MID_TOM, LOW_TOM], [LOW_TOM, MID_TOM], [SNARE, KICK]])
    hits, pos = [], float(start)
    while pos < meter.beats - 1e-6:
        if rng.random() < 0.87:
            index = int((pos - start) / max(1e-6, meter.beats - start) * len(drums))
            hits.append((pos, drums[min(index, len(drums) - 1)], int(rng.integers(75, 120))))
        pos += step
    return hits


def roll_bar(rng, meter, progress, note, keep_kick):
    """A build-up: strokes that double in rate and grow as `progress` goes from 0 to 1."""
    per_beat = 1 if progress < 0.45 else 2 if progress < 0.75 else 4
    hits = [(i / per_beat, note, int(78 + 46 * min(1, progress + 0.2 * i / (meter.beats * per_beat))))
            for i in range(meter.beats * per_beat)]
    if keep_kick:
        hits += [(b, KICK, 105) for b in range(meter.beats)]
    return hits


def thin(hits, mode):
    """The part of a pattern that a thinner section keeps."""
    kicks = {KICK, 35}
    metal = {HAT, OPEN, PEDAL, RIDE, SHAKER, TAMB, BELL}
    if mode == "kick":
        return [h for h in hits if h[1] in kicks] or hits
    if mode == "hats":
        kept = [h for h in hits if h[1] in metal]
        return kept if any(h[0] % 1 == 0 for h in kept) else hits
    if mode == "nokick":
        return [h for h in hits if h[1] not in kicks]
    return hits if mode == "full" else []
