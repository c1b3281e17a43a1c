"""A score made into audio, and the pieces that have no beat."""
import numpy as np

from music import effects, fonts
from music.forms import pick
from music.synth import VOICES, Kit, Voice, add, bandpass, lowpass, sweep_noise

KITS = [0, 0, 0, 8, 16, 24, 25, 32, 40, 48]


def render(rng, score, spec, sr, scratch):
    """Stereo audio, not yet mastered."""
    n = int(score.seconds * sr)
    synth_kit = rng.random() < spec.get("synth", 0.12)
    font_notes, programs, buses = [], {}, []
    channel = 0
    for layer in score.layers:
        instrument = layer.instrument
        if isinstance(instrument, int):
            programs[channel] = instrument
            font_notes += [(a, l, channel, p, int(max(1, v * layer.level))) for a, l, p, v in layer.notes]
            channel += 1
        else:
            buses.append((_play_voice(rng, layer, sr, n), layer))
    drum_gain = rng.uniform(0.5, 1.3) * (0.8 if spec["family"] == "metal" else 1.0)
    if score.drums and not synth_kit:
        font_notes += [(a, 0.25, 9, p, int(np.clip(v * min(drum_gain, 1.15), 1, 127))) for a, p, v in score.drums]
    out = np.zeros((n, 2), np.float32)
    if font_notes:
        font = pick(rng, fonts.available())
        out += fonts.render(font_notes, programs, pick(rng, KITS), font, sr, score.seconds, scratch)
        out *= 0.12 / (np.sqrt(np.mean(out ** 2)) + 1e-6)
    for bus, layer in buses:
        pan = rng.uniform(-0.5, 0.5)
        gain = layer.level * 0.09 / (np.sqrt(np.mean(bus ** 2)) + 1e-6)
        out += bus[:, None] * gain * np.array([1 - pan, 1 + pan], np.float32)
    kicks = [a for a, p, _ in score.drums if p in (35, 36)]
    if spec.get("plan") == "club" and kicks and rng.random() < 0.5:
        beat = 60 / score.bpm
        depth = rng.uniform(0.4, 0.95)
        for side in range(2):
            out[:, side] = effects.sidechain(out[:, side], kicks, sr, depth, min(0.6, beat * rng.uniform(0.5, 0.9)))
    if score.drums and synth_kit:
        out += _play_drums(rng, score, spec, sr, n)[:, None] * drum_gain
    if spec.get("plan") == "club":
        _transitions(rng, out, score, sr)
    return out


def _play_voice(rng, layer, sr, n):
    voice = Voice(layer.instrument if layer.instrument in VOICES else "saw", rng, sr)
    bus = np.zeros(n + sr, np.float32)
    lead = voice.lead()
    for start, length, pitch, velocity in layer.notes:
        add(bus, int((start - lead) * sr), voice.note(pitch, length), (velocity / 100) ** 1.5)
    return bus[:n]


def _play_drums(rng, score, spec, sr, n):
    kit = Kit(rng, sr, spec.get("chip", False))
    bus = np.zeros(n + 2 * sr, np.float32)
    gains = {}
    for start, note, velocity in score.drums:
        if note not in gains:
            gains[note] = (0.5 if note in (35, 36) else 0.35 if note in (38, 39, 40) else 0.2) * rng.uniform(0.5, 1.4)
        add(bus, int(start * sr), kit.sound(note), gains[note] * (velocity / 110) ** 1.6)
    return bus[:n]


def _transitions(rng, out, score, sr):
    """Risers into sections, impacts on their first beat, filters that open over intros."""
    spans = []
    for index, section in enumerate(score.sections):
        bars = [b for b in score.bars if b.section == index]
        if not bars:
            continue
        start = float(score.tempo(bars[0].start))
        end = float(score.tempo(bars[-1].start + bars[-1].meter.beats))
        if section.kind == "build" and rng.random() < 0.7 and end - start > 0.5:
            riser = sweep_noise(rng, min(end - start, 10), sr)
            for side in range(2):
                add(out[:, side], int(end * sr) - len(riser), riser, rng.uniform(0.3, 1))
        if section.kind in ("drop", "groove") and start > 0 and rng.random() < 0.4:
            crash = sweep_noise(rng, rng.uniform(0.5, 2.5), sr, rising=False)
            for side in range(2):
                add(out[:, side], int(start * sr), crash, rng.uniform(0.3, 1))
        if section.kind in ("intro", "breakdown", "build") and rng.random() < 0.3:
            spans.append((start, end))
    for side in range(2):
        state = np.random.default_rng(int(score.seconds * 1000))
        out[:, side] = effects.filter_sweeps(state, out[:, side], sr, spans)


def beatless(rng, sr, seconds):
    """Sound without a beat: noise, drones, pads, syllables out of metre, sparse hits."""
    n = int(seconds * sr)
    kind = pick(rng, ["noise", "drone", "pads", "speech", "sparse", "silence"])
    y = np.zeros(n + 8 * sr, np.float32)
    if kind == "noise":
        y[:n] = effects.noise_floor(rng, n, sr) * 0.2
    elif kind in ("drone", "pads"):
        voice = Voice(pick(rng, ["pad", "organ", "bowed", "voice", "supersaw"]), rng, sr)
        voice.attack, voice.release = rng.uniform(0.6, 2), 1.5
        position = 0.0
        while position < seconds:
            for pitch in rng.integers(36, 72, int(rng.integers(1, 4))):
                add(y, int(position * sr), voice.note(int(pitch), 6.0), 0.5)
            position += 3.0 if kind == "drone" else rng.uniform(2.5, 6)
    elif kind == "speech":
        voice = Voice("voice", rng, sr)
        base, position = int(rng.integers(42, 60)), 0.3
        while position < seconds:
            for _ in range(int(rng.integers(2, 11))):
                voice.formants = (rng.uniform(300, 800), rng.uniform(800, 2200), 2500)
                voice.cache.clear()
                length = rng.uniform(0.07, 0.28)
                add(y, int(position * sr), voice.note(base + int(rng.integers(-3, 4)), length), rng.uniform(0.3, 1))
                hiss = bandpass(rng.normal(0, 1, int(0.06 * sr)), 3000, 7000, sr) * np.hanning(int(0.06 * sr))
                add(y, int(position * sr), hiss.astype(np.float32), rng.uniform(0, 0.3))
                position += length + rng.exponential(0.05)
            position += rng.uniform(0.25, 1.3)
    elif kind == "sparse":
        kit = Kit(rng, sr)
        position = rng.uniform(0, 2)
        while position < seconds:
            add(y, int(position * sr), kit.sound(int(rng.choice([36, 38, 45, 50, 75, 49, 60]))), rng.uniform(0.2, 1))
            position += 0.3 + rng.exponential(1.6)
    y = y[:n] + lowpass(rng.normal(0, 1, n), 3000, sr) * 10 ** rng.uniform(-5, -2.5)
    return np.repeat(y[:, None], 2, 1).astype(np.float32), kind
