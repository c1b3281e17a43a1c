"""Lets the engine listen to the music: hear.py BEAT_INPUT MUSIC HEARD

BEAT_INPUT is the engine's example of that name. For every piece in MUSIC, HEARD gets what the network hears (`n.u8`)
and then the truth (`n.json`); what is there already is left alone.
"""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def listen(program, music, heard, truths):
    """One process for many pieces: a line for each, audio and output separated by a tab."""
    lines = [f"{music / json.loads(truth.read_text())['file']}\t{heard / truth.stem}.u8\n" for truth in truths]
    subprocess.run([program], input="".join(lines), text=True, check=True)
    for truth in truths:
        if (heard / f"{truth.stem}.u8").exists():
            (heard / truth.name).write_text(truth.read_text())


def main():
    program, music, heard = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    heard.mkdir(parents=True, exist_ok=True)
    truths = [truth for truth in sorted(music.glob("*.json")) if not (heard / truth.name).exists()]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda half: listen(program, music, heard, truths[half::2]), (0, 1)))
    print(f"{len(list(heard.glob('*.json')))} pieces heard")


if __name__ == "__main__":
    main()
