"""A style made into notes: bars, sections, layers, drums and the beat truth."""
from dataclasses import dataclass, field

import numpy as np

from music import drums as dr
from music import forms, harmony
from music.forms import pick


@dataclass
class Layer:
    role: str
    figure: str
    instrument: object
    base: int
    level: float
    offset: float
    jitter: float
    notes: list = field(default_factory=list)


@dataclass
class Score:
    """Everything that sounds, in seconds once `settle` has run, and the beat truth."""
    meter: forms.Meter
    bpm: float
    kind: str
    tempo: forms.TimeMap
    bars: list
    sections: list
    layers: list
    drums: list
    seconds: float = 0.0
    beats: np.ndarray = None
    downbeats: np.ndarray = None
    fade: bool = False


OFF_BEAT = {"offbeat", "off", "after", "bubble", "rolling", "tumbao", "dub", "sync"}
HELD = {"pad", "one", "long", "halves", "power"}
BREAKDOWNS = {"metal": ["breakdown", "half", "doublekick", "blast"], "band": ["half", "rock", "hand", "funk"],
              "club": ["breakbeat", "house", "trap", "dubstep"], "groove": ["hand", "funk", "samba"]}
BASE = {"bass": 36, "comp": 55, "melody": 69, "pad": 55}
ODD_BPM = {"7/8": (165, 260), "5/8": (165, 250)}


def make_score(rng, spec, seconds):
    """A whole piece of about `seconds` in one style."""
    if rng.random() < spec.get("mute", 0.0):
        spec = {**spec, "drums": None}
    meter = forms.make_meter(rng, pick(rng, spec.get("meters", {"4/4": 1})))
    low, high = ODD_BPM.get(meter.name, spec["bpm"])
    middle, spread = np.log(low * high) / 2, np.log(high / low) / 3.0
    bpm = float(np.exp(np.clip(rng.normal(middle, spread), np.log(low) - 0.05, np.log(high) + 0.05)))
    if meter.sub == 3 and {"4/4", "3/4"} & set(spec.get("meters", ())):
        bpm = float(np.clip(bpm * 0.7, 42, 140))  # a compound beat in a style whose tempo counts quarters
    silence = pick(rng, {0: 4, 1: 4, 2: 1.5})
    lead_in = [rng.uniform(0, 0.1), rng.uniform(0.1, 1.5), rng.uniform(1.5, 6)][silence]
    bars_needed = int((seconds - lead_in) * bpm / 60 / meter.beats) + 2
    ending = rng.random() < 0.3
    plan = spec.get("plan", "band")
    if plan == "club":
        sections = forms.plan_club(rng, bars_needed)
    elif plan == "band":
        sections = forms.plan_band(rng, bars_needed)
    else:
        length = int(pick(rng, {4: 2, 8: 3}))
        sections = [forms.Section("part", length, {}, "full", rng.uniform(0.75, 1)) for _ in range(bars_needed // length + 1)]
    changes = [forms.make_meter(rng, n) for n in spec.get("changes", [])]
    bars = forms.lay_bars(rng, sections, meter, changes)
    pickup = rng.random() < spec.get("pickup", 0.1)
    pickup_beats = float(pick(rng, [1, 1, 0.5, 1.5, 2])) if pickup else 0.0
    if meter.sub == 3 and pickup:
        pickup_beats = float(pick(rng, [1 / 3, 1, 2 / 3]))
    kind = pick(rng, spec.get("time", {"const": 70, "human": 30}))
    if plan == "club" and "time" not in spec:
        kind = pick(rng, {"const": 94, "step": 2, "ramp": 2, "sine": 2})
    swing = rng.uniform(*spec["swing"]) if "swing" in spec and meter.sub != 3 else 0.5
    unit = spec.get("unit", 0.5)
    if plan == "club" and "swing" not in spec and rng.random() < 0.25:
        swing, unit = rng.uniform(0.5, 0.6), 0.25
    first = -int(np.ceil(pickup_beats)) - 1
    last = bars[-1].start + bars[-1].meter.beats + 4
    phrase = meter.beats * int(pick(rng, [2, 4, 4, 8])) if meter.beats < 6 else meter.beats * 2
    tempo = forms.TimeMap(rng, bpm, first, last, kind, phrase, swing, unit)
    tempo.shift(lead_in + 0.01 - float(tempo(-pickup_beats)))
    score = Score(meter, bpm, kind, tempo, bars, sections, [], [])
    mechanical = kind == "const" and (plan == "club" or spec["family"] == "chip" or rng.random() < 0.4)
    _choose_layers(rng, score, spec, mechanical)
    _choose_roles(rng, score, spec, plan)
    _write(rng, score, spec, pickup_beats)
    if rng.random() < spec.get("rests", 0.05):
        _cut_rests(rng, score)
    _settle(rng, score, seconds, ending, mechanical)
    return score


def _choose_layers(rng, score, spec, mechanical):
    for role, figures, instruments, chance in spec["layers"]:
        if rng.random() >= chance:
            continue
        base = BASE[role] + int(pick(rng, {0: 6, 12: 1.5, -12: 0.4}))
        if role == "bass":
            base = 36
        level = rng.uniform(0.45, 1.0) * {"bass": 1.0, "melody": 1.0, "comp": 0.8, "pad": 0.6}[role]
        offset = 0.0 if mechanical else float(rng.normal(0, 0.006))
        jitter = 0.0 if mechanical else abs(float(rng.normal(0, 0.007)))
        score.layers.append(Layer(role, pick(rng, figures), pick(rng, instruments), base, level, offset, jitter))
    if not score.layers and not spec["drums"]:
        role, figures, instruments, _ = spec["layers"][0]
        score.layers.append(Layer(role, pick(rng, figures), pick(rng, instruments), BASE[role], 0.9, 0.0, 0.004))


def _choose_roles(rng, score, spec, plan):
    """Which layers sound in each section; at least one thing always does."""
    drums_on = bool(spec["drums"])
    for section in score.sections:
        for i, layer in enumerate(score.layers):
            chance = 0.9
            if plan == "club":
                chance = {"intro": 0.2, "groove": 0.75, "breakdown": 0.2 if layer.role == "bass" else 0.85,
                          "build": 0.2 if layer.role == "bass" else 0.7, "drop": 0.97, "outro": 0.4}[section.kind]
            elif plan == "band":
                chance = {"intro": 0.5, "verse": 0.85, "chorus": 0.97, "solo": 0.9, "break": 0.5, "drumsolo": 0.1, "thin": 0.45}[section.kind]
            elif i > 0:
                chance = 0.9
            else:
                chance = 1.0
            section.roles[i] = rng.random() < chance
        if not drums_on or section.drums == "none":
            _anchor(rng, score, section, drums_on)


def _anchor(rng, score, section, drums_on):
    """Without drums something must tell the beat: not only pads, not only off-beats."""
    def tells(layer):
        return layer.figure not in OFF_BEAT and layer.figure not in HELD

    if any(on and tells(score.layers[i]) for i, on in section.roles.items()):
        return
    able = [i for i, layer in enumerate(score.layers) if tells(layer)]
    if able:
        section.roles[pick(rng, able)] = True
    elif drums_on:
        section.drums = pick(rng, ["full", "hats", "kick"])
    else:
        index = next((i for i, layer in enumerate(score.layers) if layer.role in ("comp", "pad")), None)
        if index is not None and rng.random() < 0.85:
            score.layers[index].figure = pick(rng, ["beat", "arp", "broken"])
            section.roles[index] = True
    if not any(section.roles.values()) and score.layers and section.drums == "none":
        section.roles[0] = True


def _write(rng, score, spec, pickup_beats):
    key = harmony.Harmony(rng, spec.get("modes"))
    order = pick(rng, [[0, 1, 0, 2], [0, 0, 1, 0], [0, 1, 2, 3], [0, 1, 0, 1], [0, 0, 0, 1]])
    loops = [key.loop, harmony.Harmony(rng).loop if rng.random() < 0.6 else key.loop]
    drum_style = pick(rng, spec["drums"]) if spec["drums"] else None
    other_style = drum_style
    if drum_style and rng.random() < {"metal": 0.5, "club": 0.08}.get(spec["family"], 0.18):
        other_style = pick(rng, spec["drums"] + BREAKDOWNS.get(spec["family"], []))
    timekeeper = pick(rng, dr.TIMEKEEPERS)
    swap = {dr.SNARE: pick(rng, {dr.SNARE: 7, 40: 2, dr.CLAP: 0.6, dr.RIM: 0.6}), dr.HAT: pick(rng, {dr.HAT: 8, dr.SHAKER: 1, dr.TAMB: 0.6}), dr.KICK: pick(rng, [36, 36, 35])}
    accent = spec.get("accent", "down")
    weight = rng.uniform(0, 26)
    fills, crash = rng.random() * 0.9, rng.random()
    anticipate = 0.5 if spec["family"] in ("band", "groove", "jazz") and rng.random() < 0.25 else 0.0
    memory = {}
    for index, bar in enumerate(score.bars):
        section = score.sections[bar.section]
        second = section.kind in ("chorus", "drop", "break") or section.kind == "part" and bar.section % 3 == 1
        key.loop = loops[int(second)]
        fixed_key = (bar.meter, bar.section if section.kind == "solo" else -1 - second)
        if fixed_key not in memory:
            memory[fixed_key] = _figures(rng, score, bar.meter, other_style if second else drum_style, timekeeper, swap)
        figures = memory[fixed_key]
        hits = _drum_bar(rng, bar, section, figures, drum_style, fills, crash, swap) if drum_style else []
        score.drums += [(bar.start + p, note, min(127, v * (0.8 + 0.2 * section.level) + rng.normal(0, 5))) for p, note, v in hits]
        kicks = [p for p, note, _ in hits if note in (35, 36)]
        for i, layer in enumerate(score.layers):
            if section.roles.get(i):
                _layer_bar(rng, layer, i, key, index, bar, figures, kicks, order, accent, weight, section.level, anticipate)
    if pickup_beats > 0:
        layer = next((x for x in score.layers if x.role == "melody"), score.layers[0] if score.layers else None)
        step = 0.5 if score.meter.sub != 3 else 1 / 3
        if layer is not None:
            for k in range(int(round(pickup_beats / step))):
                layer.notes.append((-pickup_beats + k * step, step * 0.9, key.pitch(int(rng.integers(-1, 4)), layer.base), 78))
        elif drum_style:
            score.drums += [(-pickup_beats + k * step, dr.SNARE, 90) for k in range(int(round(pickup_beats / step)))]


def _figures(rng, score, meter, drum_style, timekeeper, swap):
    """What stays the same over a piece in one metre: patterns, motifs, rhythms."""
    patterns = []
    if drum_style:
        main = dr.bar_pattern(rng, drum_style, meter, timekeeper, swap)
        patterns = [main, dr.vary(rng, main, meter) if rng.random() < 0.6 else main]
    per_layer = []
    for layer in score.layers:
        per_layer.append({"rhythm": [harmony.rhythm(rng, meter, rng.uniform(0.2, 0.6)) for _ in range(2)],
                          "order": [int(x) for x in rng.permutation(4)],
                          "motifs": [harmony.motif(rng, layer.figure, meter) for _ in range(4)] if layer.role == "melody" else None})
    return {"patterns": patterns, "layers": per_layer}


def _drum_bar(rng, bar, section, figures, drum_style, fills, crash, swap):
    mode = section.drums
    if mode == "none":
        if bar.last and rng.random() < 0.3:
            return dr.fill(rng, bar.meter, max(0, bar.meter.beats - 1))
        return []
    if mode == "roll":
        return dr.roll_bar(rng, bar.meter, (bar.in_section + 0.5) / section.bars, swap[dr.SNARE], drum_style in ("house", "trance", "techno", "disco"))
    hits = dr.thin(figures["patterns"][bar.in_section % 2], mode)
    if bar.last and rng.random() < fills:
        start = bar.meter.beats - pick(rng, [0.5, 1, 1, 2, 4]) if bar.meter.sub != 3 else bar.meter.beats - 1
        start = max(0, start)
        hits = [h for h in hits if h[0] < start] + dr.fill(rng, bar.meter, start)
    if bar.in_section == 0 and rng.random() < crash and mode == "full":
        hits = hits + [(0, dr.CRASH, 112)]
    return hits


def _accent(rng, position, meter, accent, weight):
    on_beat = position % 1 < 0.01
    if accent == "mazurka":
        return weight * 0.6 if on_beat and int(position) in (1, 2) and rng.random() < 0.6 else (weight * 0.4 if position == 0 else 0)
    if position == 0:
        return weight
    if accent == "quarter":
        return weight * 0.7 if on_beat and int(position) % 2 == 0 else weight * 0.3 if on_beat else -4
    return weight * 0.4 if on_beat and position in meter.group_starts() else (0 if on_beat else -6)


def _layer_bar(rng, layer, i, key, index, bar, figures, kicks, order, accent, weight, level, anticipate):
    meter, own = bar.meter, figures["layers"][i]
    loud = 66 + 22 * level

    def put(position, length, pitches):
        velocity = loud + _accent(rng, position, meter, accent, weight) + rng.normal(0, 4)
        start = bar.start + position
        if anticipate and position == 0 and layer.role != "melody" and index and index % 2:
            start, length = start - anticipate, length + anticipate
        for pitch in pitches:
            layer.notes.append((start, length, pitch, velocity))

    if layer.role == "bass":
        rhythm = own["rhythm"][index % 2]
        for position, length, step, octave in harmony.bass_positions(rng, layer.figure, meter, kicks, rhythm):
            root = key.degree(index, position, meter)
            put(position, length, [key.pitch(root + step, layer.base if key.key < 4 else 24) + 12 * octave])
    elif layer.role == "melody":
        notes = own["motifs"][order[index % 4]]
        lift = 1 if index % 8 >= 6 and rng.random() < 0.4 else 0
        for k, (position, step) in enumerate(notes):
            until = notes[k + 1][0] if k + 1 < len(notes) else meter.beats
            if position % 1 == 0 and (position == 0 or rng.random() < 0.4):
                step = key.degree(index, position, meter) % 7 + 2 * (step // 2)
            put(position, (until - position) * rng.uniform(0.7, 0.97), [key.pitch(step + lift, layer.base)])
    else:
        fixed = own["rhythm"][index % 2] if layer.figure in ("sync", "power") else own["order"]
        for position, length, which in harmony.comp_positions(rng, layer.figure, meter, fixed):
            root = key.degree(index, position, meter)
            put(position, length, _chord(rng, key, root, which, layer))


def _chord(rng, key, root, which, layer):
    base = layer.base
    if which == "low":
        return [key.pitch(root, base - 12)]
    if which == "power":
        low = key.pitch(root, 36 if base < 60 else 48)
        return [low, low + 7, low + 12] if layer.instrument != "distorted" else [low, low + 7]
    if which == "chord":
        if layer.figure == "chorale":
            root = root if rng.random() < 0.5 else int(rng.choice([0, 3, 4, 5, 1]))
            return [key.pitch(root, base - 12)] + [key.pitch(root + s, base) for s in pick(rng, [(2, 4, 7), (4, 7, 9), (0, 2, 4)])]
        inversion = pick(rng, {0: 6, 1: 1}) if root < 4 else -1
        tones = (0, 2, 4) if inversion == 0 else (2, 4, 7) if inversion == 1 else (-3, 0, 2)
        return [key.pitch(root + s, base) for s in tones]
    return [key.pitch(root + (0, 2, 4, 7)[int(which) % 4], base)]


def _cut_rests(rng, score):
    """One or two silences of a beat or more in everybody's part; the beats go on."""
    for _ in range(int(rng.integers(1, 3))):
        bar = score.bars[int(rng.integers(1, max(2, len(score.bars) - 1)))] if len(score.bars) > 2 else score.bars[0]
        start = bar.start + float(pick(rng, [1, 0.5, bar.meter.beats - 1]))
        end = start + float(rng.integers(1, bar.meter.beats + 2))
        for layer in score.layers:
            layer.notes = [(p, min(l, start - p) if p < start else l, *rest) for p, l, *rest in layer.notes if p < start or p >= end]
        score.drums = [h for h in score.drums if h[0] < start or h[0] >= end]


def _settle(rng, score, seconds, ending, mechanical):
    """Positions to seconds, the end of the piece, and the truth."""
    tempo = score.tempo
    if ending:
        whole = [b for b in score.bars if float(tempo(b.start)) < seconds - 1.5]
        final = whole[-1].start if len(whole) > 1 else None
    else:
        final = None
    stop = final if final is not None else 1e9
    held = rng.uniform(1, 4)
    drum_jitter = 0.0 if mechanical else abs(rng.normal(0, 0.004))
    starts, timed = [], []
    for layer in score.layers:
        out = []
        strum = rng.uniform(0.004, 0.02) if layer.figure.startswith("strum") and not mechanical else 0.0
        previous, rank = None, 0
        kept = [n for n in layer.notes if n[0] <= stop + 1e-6 and tempo(n[0]) < seconds]
        for position, length, pitch, velocity in kept:
            rank = rank + 1 if previous == position else 0
            previous = position
            start = float(tempo(position))
            end = float(tempo(position + length))
            if position >= stop - 1e-6:
                end = start + held
            starts.append(position)
            start += layer.offset + (rng.normal(0, layer.jitter) if layer.jitter else 0) + strum * rank
            out.append((max(0.0, start), max(0.04, end - start), int(pitch), int(np.clip(velocity, 8, 127))))
        layer.notes = out
    hits = [h for h in score.drums if h[0] <= stop + 1e-6 and tempo(h[0]) < seconds]
    starts += [h[0] for h in hits]
    for position, note, velocity in hits:
        wobble = rng.normal(0, drum_jitter) if drum_jitter else 0.0
        timed.append((max(0.0, float(tempo(position)) + wobble), int(note), int(np.clip(velocity, 8, 127))))
    score.drums = timed
    if not starts:
        raise ValueError("nothing sounds")
    first = min(starts)
    beats = np.arange(int(np.ceil(first - 1e-6)), score.bars[-1].start + score.bars[-1].meter.beats)
    if final is not None:
        beats = beats[beats <= max(starts) + 1e-6]
        score.seconds = float(tempo(stop)) + held + 0.5
    else:
        score.seconds = seconds
    times = tempo(beats)
    heads = np.array([b.start for b in score.bars])
    keep = times < score.seconds - 0.06
    score.beats = times[keep]
    score.downbeats = times[keep & np.isin(beats, heads)]
    if final is None:
        sounding = max([n[0] + n[1] for layer in score.layers for n in layer.notes] + [h[0] + 0.6 for h in timed])
        score.beats = score.beats[score.beats < sounding]
        score.downbeats = score.downbeats[score.downbeats < sounding]
        score.fade = rng.random() < 0.2
