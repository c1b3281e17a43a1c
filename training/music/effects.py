"""What happens to music between the players and the file."""
import numpy as np
from scipy.ndimage import maximum_filter1d, uniform_filter1d
from scipy.signal import lfilter, oaconvolve

from music.synth import bandpass, highpass, lowpass


def peak_norm(y, peak=1.0):
    top = float(np.abs(y).max()) if y.size else 0.0
    return y * (peak / top) if top > 1e-7 else y


def reverb(rng, y, sr):
    length = float(np.exp(rng.uniform(np.log(0.15), np.log(2.8))))
    n = int(length * sr)
    ir = rng.normal(0, 1, n) * np.exp(-np.arange(n) / n * 6.9)
    ir = lowpass(ir, rng.uniform(2500, 9000), sr, 1)
    ir /= np.sqrt((ir ** 2).sum())
    ir = np.concatenate([np.zeros(int(rng.uniform(0.003, 0.03) * sr)), ir])
    wet = oaconvolve(y, ir.astype(np.float32))[:len(y)]
    return y + rng.uniform(0.1, 0.65) * wet.astype(np.float32)


def delay(rng, y, sr, beat):
    seconds = beat * float(rng.choice([0.25, 0.5, 0.75, 1.0])) if rng.random() < 0.6 else rng.uniform(0.08, 0.5)
    n, out, gain = int(seconds * sr), y.copy(), rng.uniform(0.15, 0.5)
    for k in range(1, 4):
        if n * k < len(y):
            out[n * k:] += y[:-n * k] * gain ** k
    return out


def compress(rng, y, sr):
    hop = 256
    m = len(y) // hop
    level = np.sqrt((y[:m * hop].reshape(m, hop) ** 2).mean(1)) + 1e-5
    peak = maximum_filter1d(level, int(rng.integers(2, 30)))
    gain = (uniform_filter1d(peak, int(rng.integers(2, 20))) + 0.02) ** (-rng.uniform(0.2, 0.8))
    out = y * np.interp(np.arange(len(y)), np.arange(m) * hop, gain).astype(np.float32)
    out = peak_norm(out)
    if rng.random() < 0.5:
        out = np.clip(out, -rng.uniform(0.25, 0.7), 0.5)
    return out


def tone(rng, y, sr):
    """A gentle random equaliser of a low shelf, a high shelf and a bell."""
    low = lowpass(y, rng.uniform(100, 400), sr, 1)
    high = highpass(y, rng.uniform(2000, 6000), sr, 1)
    mid = bandpass(y, *np.array([1, rng.uniform(1.5, 3)]) * rng.uniform(300, 2500), sr)
    gains = 10 ** (rng.normal(0, 5, 3) / 20) - 1
    return (y + gains[0] * low + gains[1] * high + 0.7 * gains[2] * mid).astype(np.float32)


def sidechain(y, kicks, sr, depth, length):
    gain = np.ones(len(y), np.float32)
    n = int(length * sr)
    shape = (1 - depth + depth * (np.arange(n) / n) ** 0.8).astype(np.float32)
    for k in kicks:
        i = int(k * sr)
        if 0 <= i < len(y):
            part = gain[i:i + n]
            np.minimum(part, shape[:len(part)], out=part)
    return y * gain


def filter_sweeps(rng, y, sr, spans):
    """Low-pass that opens over each (start, end) span, by cross-fading fixed filters."""
    for start, end in spans:
        a, b = max(0, int(start * sr)), min(len(y), int(end * sr))
        if b - a < sr // 2:
            continue
        part, u = y[a:b], np.linspace(0, 2, b - a)
        stages = [lowpass(part, c, sr) for c in (350, 1800)] + [part]
        if rng.random() < 0.2:
            u = u[::-1]
        y[a:b] = sum(s * np.clip(1 - np.abs(u - k), 0, 1) for k, s in enumerate(stages))
    return y


def noise_floor(rng, n, sr):
    kind = rng.integers(4)
    x = rng.normal(0, 1, n).astype(np.float32)
    if kind == 1:
        x = lfilter([1], [1, -0.97], x)
    elif kind == 2:  # record crackle over hiss
        x = 0.15 * x
        at = rng.integers(0, n, int(n / sr * rng.uniform(3, 25)))
        x[at] += rng.normal(0, 12, len(at))
    elif kind == 3:  # a crowd: speech-band noise that swells
        swell = np.interp(np.arange(n), np.arange(0, n + sr, sr), 1 + 0.6 * rng.random(len(np.arange(0, n + sr, sr))))
        x = bandpass(x, 250, 2500, sr) * swell
    return (x / (np.std(x) + 1e-9)).astype(np.float32)


def master(rng, y, sr, beat, loud=False):
    """The chain from mix to file, each stage by chance; the result peaks at 0..-24 dB."""
    y = peak_norm(y)
    if rng.random() < 0.3:
        y = delay(rng, y, sr, beat) if rng.random() < 0.4 else y
    if rng.random() < (0.5 if loud else 0.12):
        y = np.tanh(y * 10 ** rng.uniform(0.15, 0.9))
    if rng.random() < 0.5:
        y = reverb(rng, y, sr)
    if rng.random() < 0.6:
        y = tone(rng, y, sr)
    y = peak_norm(y)
    if rng.random() < (0.75 if loud else 0.4):
        y = compress(rng, y, sr)
    if rng.random() < 0.13:
        y = lowpass(y, np.exp(rng.uniform(np.log(3000), np.log(14000))), sr, 4)
    if rng.random() < 0.1:
        y = highpass(y, rng.uniform(60, 350), sr)
    y = peak_norm(y)
    if rng.random() < 0.3:
        level = np.std(y) * 10 ** (-rng.uniform(12, 45) / 20)
        y = y + level * noise_floor(rng, len(y), sr)
    gain = rng.uniform(-1, 0) if rng.random() < 0.5 else -rng.exponential(5)
    return peak_norm(np.asarray(y, np.float32), 0.98 * 10 ** (max(gain, -24) / 20))
