"""Writes trained weights as the engine reads them: export.py FILE.npz WEIGHTS.bin"""

import sys

import numpy as np

from network import LAYERS


def main():
    trained = np.load(sys.argv[1])
    parts = [trained[f"{name}.{part}"].astype("<f2").ravel() for name, *_ in LAYERS for part in ("w", "b")]
    np.concatenate(parts).tofile(sys.argv[2])


if __name__ == "__main__":
    main()
