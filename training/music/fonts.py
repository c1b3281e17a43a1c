"""Notes to audio through fluidsynth and sound fonts with permissive licences."""
import os
import subprocess

import mido
import numpy as np

FLUID = "/usr/share/sounds/sf2/FluidR3_GM.sf2"            # MIT
MUSESCORE = "/usr/share/sounds/sf2/MuseScore_General_Full.sf2"  # MIT
LATENCY = 0.002
TICKS = 10000
# Programs that speak slowly, with the seconds by which their players start early.
SLOW = {**{p: 0.015 for p in (33, 40, 41, 42, 43, 68, 69, 70, 71, 72, 73, 74, 75)}, **{p: 0.022 for p in range(48, 55)}}


def available():
    return [path for path in (FLUID, MUSESCORE) if os.path.exists(path)]


def render(notes, programs, kit, font, sr, seconds, scratch):
    """Stereo audio of (time, length, channel, pitch, velocity); channel 9 is percussion."""
    events = [(0.0, 0, mido.Message("program_change", channel=c, program=p)) for c, p in programs.items()]
    events.append((0.0, 0, mido.Message("program_change", channel=9, program=kit)))
    for start, length, channel, pitch, velocity in notes:
        if 0 < pitch < 128 and start < seconds:
            early = SLOW.get(programs.get(channel), 0.0) if channel != 9 else 0.0
            start = max(0.0, start - LATENCY - early)
            events.append((start, 2, mido.Message("note_on", channel=channel, note=pitch, velocity=velocity)))
            events.append((start + max(0.03, length), 1, mido.Message("note_off", channel=channel, note=pitch)))
    events.sort(key=lambda e: (e[0], e[1]))
    track = mido.MidiTrack()
    track.append(mido.MetaMessage("set_tempo", tempo=1000000))
    last = 0
    for time, _, message in events:
        tick = round(time * TICKS)
        track.append(message.copy(time=tick - last))
        last = tick
    midi = mido.MidiFile(type=0, ticks_per_beat=TICKS)
    midi.tracks.append(track)
    midi.save(scratch + ".mid")
    try:
        subprocess.run(["fluidsynth", "-ni", "-q", "-F", scratch + ".raw", "-T", "raw", "-O", "s16", "-r", str(sr),
                        "-g", "0.4", "-R", "0", "-C", "0", "-o", "synth.dynamic-sample-loading=1",
                        "-o", "synth.polyphony=96", font, scratch + ".mid"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        audio = np.fromfile(scratch + ".raw", np.int16).reshape(-1, 2).astype(np.float32) / 32768
    finally:
        for suffix in (".mid", ".raw"):
            if os.path.exists(scratch + suffix):
                os.remove(scratch + suffix)
    out = np.zeros((int(seconds * sr), 2), np.float32)
    n = min(len(out), len(audio))
    out[:n] = audio[:n]
    return out
