"""Writes random training music with exact beat and downbeat times.

usage: python training/generate.py --first A --last B --step S --out DIR [--styles NAME,NAME,...]

Every seed n in range(A, B, S) gives DIR/n.<format> and then DIR/n.json; a seed whose json exists is
left alone. With --styles the pieces are of these styles, drawn evenly (a name may be given several times), instead
of all of them by weight. The same seed gives the same music anywhere the same sound fonts are installed (Debian's
fluid-soundfont-gm and musescore-general-soundfont-lossless, both MIT).
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
import wave

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import numpy as np  # noqa: E402

from music import arrange, effects, mix  # noqa: E402
from music.forms import pick  # noqa: E402
from music.styles import S as STYLES  # noqa: E402

FAMILY_WEIGHTS = {"band": 17, "metal": 9, "club": 17, "chip": 3, "hiphop": 5, "groove": 11, "jazz": 4, "roots": 9,
                  "folk": 11, "piano": 8, "classical": 12, "modern": 4}
NEGATIVE = 0.03
CODECS = {"mp3": 5, "ogg": 2, "m4a": 2.5, "opus": 1.5, "flac": 0.7}


def choose_style(rng, names):
    if names:
        return pick(rng, names)
    family = pick(rng, FAMILY_WEIGHTS)
    return pick(rng, {name: spec["weight"] for name, spec in STYLES.items() if spec["family"] == family})


def make_piece(seed, scratch, names=None):
    """Audio, sample rate and truth of one seed."""
    rng = np.random.default_rng([seed, 20])
    sr = int(pick(rng, {44100: 76, 48000: 10, 22050: 9, 32000: 5}))
    seconds = float(rng.uniform(45, 70) if rng.random() < 0.1 else rng.uniform(20, 35))
    if rng.random() < NEGATIVE:
        audio, kind = mix.beatless(rng, sr, seconds)
        truth = dict(beats=[], downbeats=[], bpm=0.0, meter="", family="beatless", style=kind, tempo_kind="")
        beat, loud = 0.5, False
    else:
        name = choose_style(rng, names)
        spec = STYLES[name]
        score = arrange.make_score(rng, spec, seconds)
        audio = mix.render(rng, score, spec, sr, scratch)
        beats, downbeats = score.beats, score.downbeats
        if rng.random() < 0.2 and len(beats) > 20 and beats[0] < 3:
            audio, beats, downbeats = crop(rng, audio, beats, downbeats, sr)
        audio, beats, downbeats = fade(rng, audio, beats, downbeats, sr, score.fade)
        truth = dict(beats=[round(float(t), 4) for t in beats], downbeats=[round(float(t), 4) for t in downbeats],
                     bpm=round(score.bpm, 3), meter=score.meter.name, family=spec["family"], style=name, tempo_kind=score.kind)
        beat, loud = 60 / score.bpm, spec.get("loud", spec.get("plan") == "club")
    if rng.random() < 0.6:
        audio = audio.mean(1)
        return effects.master(rng, audio, sr, beat, loud), sr, truth
    state = int(rng.integers(1 << 30))
    sides = [effects.master(np.random.default_rng(state), audio[:, k], sr, beat, loud) for k in range(2)]
    return np.stack(sides, 1), sr, truth


def crop(rng, audio, beats, downbeats, sr):
    """An excerpt: the start is cut anywhere in the first seconds of the music."""
    cut = beats[0] + rng.uniform(0, min(6.0, (beats[-1] - beats[0]) / 3))
    return audio[int(cut * sr):], beats[beats > cut + 0.01] - cut, downbeats[downbeats > cut + 0.01] - cut


def fade(rng, audio, beats, downbeats, sr, fading):
    """A fade-out, with the truth up to where the music is still heard."""
    seconds = len(audio) / sr
    if rng.random() < 0.06:
        n = int(min(rng.uniform(1, 6), seconds / 3) * sr)
        audio[:n] *= np.linspace(0.05, 1, n, dtype=np.float32)[:, None]
    if fading:
        n = int(min(rng.uniform(2, 8), seconds / 2) * sr)
        audio[-n:] *= (np.linspace(1, 0, n, dtype=np.float32) ** 1.5)[:, None]
        limit = seconds - 0.1 * n / sr
        beats, downbeats = beats[beats < limit], downbeats[downbeats < limit]
    elif rng.random() < 0.5:
        n = int(0.01 * sr)
        audio[-n:] *= np.linspace(1, 0, n, dtype=np.float32)[:, None]
    return audio, beats, downbeats


def save_audio(rng, audio, sr, path_stem):
    """Half the files 16-bit wav, half encoded at random rates; returns the file's ending."""
    audio = audio if audio.ndim == 2 else audio[:, None]
    pcm = (np.clip(audio, -1, 1) * 32767).round().astype("<i2")
    channels = pcm.shape[1]
    if rng.random() < 0.5:
        with wave.open(path_stem + ".wav", "wb") as f:
            f.setnchannels(channels)
            f.setsampwidth(2)
            f.setframerate(sr)
            f.writeframes(pcm.tobytes())
        return "wav"
    ending = pick(rng, CODECS)
    rate = {"mp3": [48, 64, 96, 128, 128, 192, 256], "ogg": [64, 96, 128, 160], "m4a": [48, 64, 96, 128, 192],
            "opus": [24, 32, 48, 64, 96], "flac": [0]}[ending]
    kbps = int(rng.choice(rate))
    codec = {"mp3": ["libmp3lame", "-compression_level", "7"], "ogg": ["libvorbis"], "m4a": ["aac", "-aac_coder", "fast"],
             "opus": ["libopus", "-ar", "48000", "-compression_level", "3"], "flac": ["flac"]}[ending]
    command = ["ffmpeg", "-v", "error", "-y", "-threads", "1", "-f", "s16le", "-ar", str(sr), "-ac", str(channels),
               "-i", "pipe:0", "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact", "-c:a"] + codec
    if kbps:
        if ending == "ogg":
            command += ["-q:a", str(kbps // 32)]
        else:
            command += ["-b:a", f"{kbps}k"]
    subprocess.run(command + [f"{path_stem}.{ending}"], input=pcm.tobytes(), check=True, stdout=subprocess.DEVNULL)
    return ending


def write_seed(seed, out, scratch, names=None):
    audio, sr, truth = make_piece(seed, os.path.join(scratch, str(seed)), names)
    if not np.isfinite(audio).all() or np.abs(audio).max() < 1e-4:
        raise ValueError("audio is silent or not finite")
    ending = save_audio(np.random.default_rng([seed, 21]), audio, sr, os.path.join(out, str(seed)))
    truth["file"] = f"{seed}.{ending}"
    final = os.path.join(out, f"{seed}.json")
    with open(final + ".tmp", "w") as f:
        json.dump(truth, f)
    os.replace(final + ".tmp", final)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=int, required=True)
    parser.add_argument("--last", type=int, required=True)
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--out", required=True)
    parser.add_argument("--styles", type=lambda names: names.split(","))
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    made, failed, begin = 0, 0, time.time()
    with tempfile.TemporaryDirectory() as scratch:
        for seed in range(args.first, args.last, args.step):
            if os.path.exists(os.path.join(args.out, f"{seed}.json")):
                continue
            try:
                write_seed(seed, args.out, scratch, args.styles)
                made += 1
            except Exception as error:
                failed += 1
                print(f"seed {seed}: {error!r} at {traceback.extract_tb(error.__traceback__)[-1]}", file=sys.stderr)
    print(f"made {made}, failed {failed}, {time.time() - begin:.1f} s")


if __name__ == "__main__":
    main()
