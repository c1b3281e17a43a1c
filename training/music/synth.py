"""Synthesised instruments: one class of pitched voices; every distinct note is made once and added."""
import numpy as np
from scipy.signal import butter, lfilter, sosfilt

from music.forms import pick

VOICES = ["saw", "supersaw", "square", "acid", "reese", "sub", "fm", "bell", "organ", "pluck", "distorted",
          "bowed", "flute", "voice", "pad", "marimba", "epiano", "bass808", "accordion", "tri"]
SLOW = {"bowed": 0.06, "flute": 0.03, "voice": 0.05, "pad": 0.1, "accordion": 0.02}


def lowpass(x, cutoff, sr, order=2):
    return sosfilt(butter(order, min(cutoff, 0.45 * sr), fs=sr, output="sos"), x)


def highpass(x, cutoff, sr, order=2):
    return sosfilt(butter(order, min(cutoff, 0.45 * sr), "high", fs=sr, output="sos"), x)


def bandpass(x, low, high, sr, order=1):
    return sosfilt(butter(order, [max(20, low), min(high, 0.45 * sr)], "band", fs=sr, output="sos"), x)


def saw(phase):
    return 2 * (phase % 1.0) - 1


class Voice:
    """A synthesised instrument whose parameters are drawn once."""

    def __init__(self, name, rng, sr):
        self.name, self.sr = name, sr
        self.seed = int(rng.integers(1 << 30))
        self.detune = rng.uniform(0.002, 0.012)
        self.bright = float(np.exp(rng.uniform(np.log(900), np.log(7000))))
        self.decay = rng.uniform(2, 12)
        self.sustain = rng.uniform(0.2, 0.9)
        self.duty = float(pick(rng, [0.125, 0.25, 0.5, 0.5]))
        self.ratio = float(pick(rng, [1, 2, 3, 3.5, 1.41, 7]))
        self.index = rng.uniform(0.8, 5)
        self.vibrato = (rng.uniform(4.5, 6.5), rng.uniform(0.002, 0.01))
        self.attack = SLOW.get(name, 0.0) * rng.uniform(0.5, 2.2) + rng.uniform(0.001, 0.006)
        self.release = rng.uniform(0.03, 0.3) if name != "pad" else rng.uniform(0.2, 0.8)
        self.harmonics = rng.uniform(0.0, 1.0, 8) * np.array([1, 1, 0.8, 0.6, 0.4, 0.4, 0.3, 0.3])
        self.harmonics[0] = 1.0
        self.formants = pick(rng, [(730, 1090, 2440), (530, 1840, 2480), (390, 1990, 2550), (570, 840, 2410), (300, 870, 2240)])
        self.drive = rng.uniform(4, 20)
        self.cache = {}

    def lead(self):
        """Seconds by which a player starts early so that the tone speaks on time."""
        return 0.5 * self.attack if self.name in SLOW else 0.0

    def note(self, pitch, seconds):
        seconds = min(max(0.05, round(seconds / 0.04) * 0.04), 6.0)
        key = (pitch, seconds)
        if key not in self.cache:
            self.cache[key] = self._make(440.0 * 2 ** ((pitch - 69) / 12), seconds)
        return self.cache[key]

    def _make(self, f, seconds):
        sr = self.sr
        rng = np.random.default_rng([self.seed, int(f * 100), int(seconds * 1000)])
        tail = self.release if self.name not in ("bell", "marimba", "pluck", "fm") else 0.4
        n = int((seconds + tail) * sr)
        t = np.arange(n) / sr
        y = getattr(self, "_" + self.name)(f, t, seconds, rng)
        env = np.minimum(1, t / self.attack)
        off = np.maximum(0, t - seconds)
        env = env * np.exp(-off * 5 / tail) * np.minimum(1, (t[-1] - t + 1 / sr) / 0.01)
        y = y * env
        return (y / (np.sqrt(np.mean(y[:max(1, int(min(seconds, 0.3) * sr))] ** 2)) + 1e-6) * 0.2).astype(np.float32)

    def _closing(self, x, t, low, high, rate):
        """A filter that closes: two fixed low-passes cross-faded by a decaying envelope."""
        e = np.exp(-t * rate)
        return lowpass(x, low, self.sr) * (1 - e) + lowpass(x, high, self.sr) * e

    def _wobble(self, t):
        rate, depth = self.vibrato
        return depth * np.sin(2 * np.pi * rate * t) * np.minimum(1, t / 0.25) / (2 * np.pi * rate)

    def _saw(self, f, t, d, r):
        x = saw(f * t + r.random()) + saw(f * (1 + self.detune) * t)
        return self._closing(x, t, self.bright * 0.5, self.bright * 2, self.decay) * np.maximum(self.sustain, np.exp(-t * self.decay))

    def _supersaw(self, f, t, d, r):
        x = sum(saw(f * (1 + self.detune * k) * t + r.random()) for k in (-1.5, -0.7, 0, 0.8, 1.4))
        return lowpass(x, self.bright * 2, self.sr)

    def _square(self, f, t, d, r):
        x = np.where((f * (t + self._wobble(t))) % 1 < self.duty, 1.0, -1.0) + 1 - 2 * self.duty
        return x * np.maximum(self.sustain, np.exp(-t * self.decay))

    def _tri(self, f, t, d, r):
        return np.round(8 * (2 * np.abs(saw(f * t)) - 1)) / 8

    def _acid(self, f, t, d, r):
        x = saw(f * t) if self.duty < 0.5 else np.sign(saw(f * t))
        peak = bandpass(x, 250, 500, self.sr) * 2 + bandpass(x, self.bright * 0.4, self.bright * 0.5, self.sr) * 3 * np.exp(-t * self.decay)
        return np.tanh(2 * (peak + lowpass(x, 400, self.sr)))

    def _reese(self, f, t, d, r):
        return lowpass(saw(f * t) + saw(f * (1 + self.detune * 2) * t + 0.3) + saw(f * (1 - self.detune) * t), self.bright * 0.4, self.sr)

    def _sub(self, f, t, d, r):
        return np.tanh(1.5 * np.sin(2 * np.pi * f * t)) * np.maximum(self.sustain, np.exp(-t * self.decay * 0.5))

    def _bass808(self, f, t, d, r):
        glide = f * t + f * 0.6 * (1 - np.exp(-t * 40)) / 40
        return np.tanh(2 * np.sin(2 * np.pi * glide)) * np.exp(-t * 1.5)

    def _fm(self, f, t, d, r):
        return np.sin(2 * np.pi * f * t + self.index * np.exp(-t * self.decay) * np.sin(2 * np.pi * f * self.ratio * t)) * np.exp(-t * self.decay * 0.3)

    def _bell(self, f, t, d, r):
        return np.sin(2 * np.pi * f * t + 2 * np.exp(-t * 3) * np.sin(2 * np.pi * f * 3.5 * t)) * np.exp(-t * 2.5)

    def _epiano(self, f, t, d, r):
        return (np.sin(2 * np.pi * f * t + np.exp(-t * 5) * np.sin(2 * np.pi * f * t)) + 0.15 * np.exp(-t * 25) * np.sin(2 * np.pi * 14 * f * t)) * np.exp(-t * 1.5)

    def _organ(self, f, t, d, r):
        ratios = (0.5, 1, 1.5, 2, 3, 4, 6, 8)
        return sum(h * np.sin(2 * np.pi * f * k * t) for h, k in zip(self.harmonics, ratios) if f * k < self.sr * 0.45)

    def _pluck(self, f, t, d, r):
        period = max(2, int(round(self.sr / f)))
        burst = np.zeros(len(t))
        burst[:period] = lowpass(r.normal(0, 1, period), min(self.bright * 2, 9000), self.sr, 1)
        g = 0.5 * np.exp(-3.0 * (0.5 + self.decay / 12) / (max(f, 60) * 1.2))
        n = min(len(t), int(1.2 * self.sr))
        out = np.zeros(len(t))
        out[:n] = lfilter([1.0], np.concatenate([[1.0], np.zeros(period - 1), [-g, -g]]), burst[:n])
        return out

    def _distorted(self, f, t, d, r):
        x = self._pluck(f, t, d, r)
        x = x / (np.abs(x).max() + 1e-6)
        return lowpass(highpass(np.tanh(self.drive * x), 80, self.sr), 4500, self.sr)

    def _bowed(self, f, t, d, r):
        x = lowpass(saw(f * (t + self._wobble(t))), min(self.bright, 4000), self.sr)
        return x + 0.5 * bandpass(x, 400, 700, self.sr) + 0.02 * r.normal(0, 1, len(t)) * np.exp(-t * 8)

    def _flute(self, f, t, d, r):
        p = 2 * np.pi * f * (t + self._wobble(t))
        return np.sin(p) + 0.3 * np.sin(2 * p) + 0.1 * np.sin(3 * p) + 0.3 * bandpass(r.normal(0, 1, len(t)), f * 0.8, f * 2.5, self.sr)

    def _voice(self, f, t, d, r):
        scoop = f * (t + self._wobble(t)) - f * 0.03 * (1 - np.exp(-t * 20)) / 20
        x = saw(scoop)
        return sum(w * bandpass(x, c * 0.93, c * 1.07, self.sr) for c, w in zip(self.formants, (1, 0.7, 0.35))) + 0.05 * x

    def _pad(self, f, t, d, r):
        return lowpass(saw(f * t + r.random()) + saw(f * (1 + self.detune) * t + r.random()), self.bright * 0.6, self.sr)

    def _marimba(self, f, t, d, r):
        return np.sin(2 * np.pi * f * t) * np.exp(-t * 7) + 0.4 * np.sin(2 * np.pi * 4 * f * t) * np.exp(-t * 20)

    def _accordion(self, f, t, d, r):
        return lowpass(np.where((f * t) % 1 < 0.3, 1.0, -0.4) + np.where((f * (1 + self.detune * 0.7) * t) % 1 < 0.3, 1.0, -0.4), self.bright, self.sr)


class Kit:
    """Synthesised percussion, one sound a General MIDI note."""

    def __init__(self, rng, sr, chip=False):
        self.sr, self.chip, self.cache = sr, chip, {}
        self.seed = int(rng.integers(1 << 30))
        self.electric = rng.random() < 0.6

    def sound(self, note):
        if note not in self.cache:
            y = self._make(note, np.random.default_rng([self.seed, note]))
            y = y * np.minimum(1, (len(y) - np.arange(len(y))) / (0.02 * self.sr))
            self.cache[note] = (y / (np.abs(y).max() + 1e-6)).astype(np.float32)
        return self.cache[note]

    def _noise(self, r, n):
        if not self.chip:
            return r.normal(0, 1, n)
        hold = int(r.integers(2, 14))
        return np.repeat(np.sign(r.normal(0, 1, n // hold + 1)), hold)[:n]

    def _make(self, note, r):
        long = note in (46, 49, 51, 52, 53, 55, 57, 59, 81)
        t = np.arange(int((1.2 if long else 0.5) * self.sr)) / self.sr
        n = self._noise(r, len(t))
        if note in (35, 36):
            f = r.uniform(38, 65) + r.uniform(60, 420) * np.exp(-t * r.uniform(20, 90))
            body = np.sin(2 * np.pi * np.cumsum(f) / self.sr) * np.exp(-t * r.uniform(4, 20))
            click = highpass(n, 1500, self.sr) * np.exp(-t * 300) * r.uniform(0, 0.5)
            return (np.sign(body) * np.abs(body) ** 0.5 if self.chip else np.tanh(body * r.uniform(1, 4))) + click
        if note in (38, 40):
            tone = np.sin(2 * np.pi * (r.uniform(150, 260) * t + 2 * (1 - np.exp(-t * 30)))) * np.exp(-t * r.uniform(12, 35))
            return r.uniform(0.2, 1) * tone + highpass(n, r.uniform(200, 1500), self.sr) * np.exp(-t * r.uniform(8, 35)) * 0.5
        if note == 39:
            gate = sum(np.where(t >= d, np.exp(-(t - d) * (150 if d < 0.02 else 18)), 0) for d in (0, 0.009, 0.018, 0.027))
            return bandpass(n, 700, 3000, self.sr) * gate
        if note in (37, 75, 76, 77, 56, 67, 68):
            f = r.uniform(500, 900) if note == 56 else r.uniform(900, 2600)
            return (np.sin(2 * np.pi * f * t) + np.sin(2 * np.pi * f * 1.48 * t)) * np.exp(-t * r.uniform(20, 90)) + 0.3 * n * np.exp(-t * 400)
        if note in (41, 43, 45, 47, 48, 50, 60, 61, 62, 63, 64, 65, 66):
            base = {41: 70, 43: 85, 45: 100, 47: 120, 48: 140, 50: 165, 60: 330, 61: 240, 62: 280, 63: 230, 64: 170, 65: 300, 66: 220}[note]
            f = base * (1 + r.uniform(0.2, 0.8) * np.exp(-t * 25))
            return np.sin(2 * np.pi * np.cumsum(f) / self.sr) * np.exp(-t * r.uniform(8, 28)) + 0.2 * n * np.exp(-t * 120)
        if note in (54, 69, 70, 82, 73, 80):
            attack = np.minimum(1, t / r.uniform(0.002, 0.015))
            return highpass(n, r.uniform(3500, 6500), self.sr) * np.exp(-t * r.uniform(18, 60)) * attack
        rate = r.uniform(2.5, 8) if long else r.uniform(25, 100)
        metal = sum(np.sign(np.sin(2 * np.pi * f * t)) for f in r.uniform(300, 900, 5)) if self.electric else 0
        return highpass(n + 0.7 * metal, r.uniform(4500, 8500), self.sr) * np.exp(-t * rate)


def add(buffer, start, sound, gain):
    """Adds a sound at a sample index, cut to the buffer."""
    if start < 0:
        sound, start = sound[-start:], 0
    end = min(len(buffer), start + len(sound))
    if end > start:
        buffer[start:end] += sound[:end - start] * gain


def sweep_noise(rng, seconds, sr, rising=True):
    """A noise riser, or a falling sweep or impact tail when not rising."""
    n = max(8, int(seconds * sr))
    x = rng.normal(0, 1, n)
    u = np.linspace(0, 1, n) if rising else np.linspace(1, 0, n)
    y = lowpass(x, 900, sr) * (1 - u) + highpass(x, 2500, sr) * u * 0.5
    return (y * (u ** 2) * 0.3).astype(np.float32)
