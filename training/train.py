"""Trains the beat network: train.py --data DIR --seed N --steps N --out FILE.npz

DIR holds, for each piece n, `n.json` (beats and downbeats in seconds) and `n.u8` (what `beat_input` wrote).
"""

import argparse
import json
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

from network import BANDS, STEPS, forward, initial

CROP = 2560  # frames of 10 ms in a training example
BATCH = 8
VALIDATION = 60  # pieces kept apart
SMEAR = ((-2, 0.2), (-1, 0.5), (1, 0.5), (2, 0.2), (0, 1.0))  # frames of 20 ms around a beat, and their target
RATE = 0.004


def piece(path):
    """Rows and targets of a piece."""
    truth = json.loads(path.read_text())
    rows = np.fromfile(path.with_suffix(".u8"), np.uint8).reshape(-1, BANDS)
    rows = rows[: len(rows) // 2 * 2]
    targets = np.zeros((len(rows) // 2, 2), np.float32)
    for column, name in enumerate(("beats", "downbeats")):
        frames = np.round(np.asarray(truth[name], float) * 50).astype(int)
        for by, value in SMEAR:
            near = frames + by
            near = near[(near >= 0) & (near < len(targets))]
            targets[near, column] = np.maximum(targets[near, column], value)
    return rows, targets


def batch(pieces, rng):
    """Crops at random places, and how each is to be coloured."""
    x, y = np.zeros((BATCH, CROP, BANDS), np.uint8), np.zeros((BATCH, CROP // 2, 2), np.float32)
    weight, colour = np.zeros((BATCH, CROP // 2, 1), np.float32), np.zeros((BATCH, BANDS), np.float32)
    for b in range(BATCH):
        rows, targets = pieces[rng.integers(len(pieces))]
        at = 2 * rng.integers(0, max(1, (len(rows) - CROP) // 2 + 1))
        part = rows[at : at + CROP]
        if rng.random() < 0.5:
            by = rng.integers(-3, 4)
            part = np.roll(part, by, 1)
        n = len(part)
        x[b, :n], y[b, : n // 2], weight[b, : n // 2] = part, targets[at // 2 : (at + n) // 2], 1
        colour[b] = rng.normal(0, 2) + np.interp(np.arange(BANDS), np.linspace(0, BANDS - 1, 6), rng.normal(0, 4, 6))
        if rng.random() < 0.15:
            colour[b, rng.integers(30, BANDS) :] = -200
        if rng.random() < 0.1:
            colour[b, : rng.integers(1, 8)] = -200
    return x, y, weight, colour


def heard(x, colour):
    """Rows as the network takes them, with `colour` dB added to each band."""
    amplitude = jnp.exp2(8.0 * x.astype(jnp.float32) / STEPS) - 1
    return jnp.log2(1 + amplitude * 10 ** (colour[:, None] / 20)) / 8


def loss(weights, x, y, weight, key):
    terms = optax.sigmoid_binary_cross_entropy(forward(weights, x, key), y) * weight
    return terms.sum() / weight.sum()


def validation_loss(weights, pieces, run):
    """Mean cross entropy of beats and of downbeats, in nats a frame."""
    sums = []
    for rows, targets in pieces:
        x = np.zeros((1, CROP, BANDS), np.float32)
        n = min(len(rows), CROP)
        x[0, :n] = rows[:n] / STEPS
        odds = np.asarray(run(weights, x))[0, : n // 2]
        sums.append((np.logaddexp(0, odds) - odds * targets[: n // 2]).mean(0))
    return np.mean(sums, 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=8_000)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    paths = sorted((p for p in args.data.glob("*.json") if p.with_suffix(".u8").exists()), key=lambda p: int(p.stem))
    pieces = [piece(p) for p in paths]
    apart, pieces = pieces[:VALIDATION], pieces[VALIDATION:]
    hours = sum(len(rows) for rows, _ in pieces) / 360_000
    weights = initial(jax.random.PRNGKey(args.seed))
    count = sum(w.size for w in jax.tree.leaves(weights))
    print(f"{len(pieces)} pieces, {hours:.1f} h, {count} weights", flush=True)

    warm, flat = 200, args.steps // 2
    schedule = optax.join_schedules(
        [optax.linear_schedule(0, RATE, warm), optax.constant_schedule(RATE), optax.cosine_decay_schedule(RATE, args.steps - flat, 0.01)],
        [warm, flat],
    )
    optimiser = optax.chain(optax.clip_by_global_norm(0.5), optax.adamw(schedule, weight_decay=1e-4))

    @jax.jit
    def step(weights, mean, state, x, y, weight, colour, key):
        value, slope = jax.value_and_grad(loss)(weights, heard(x, colour), y, weight, key)
        update, state = optimiser.update(slope, state, weights)
        weights = optax.apply_updates(weights, update)
        mean = jax.tree.map(lambda a, b: 0.995 * a + 0.005 * b, mean, weights)
        return weights, mean, state, value

    run = jax.jit(forward)
    rng, key = np.random.default_rng(args.seed), jax.random.PRNGKey(1000 + args.seed)
    state, mean, losses, began = optimiser.init(weights), weights, [], time.time()
    for k in range(args.steps):
        weights, mean, state, value = step(weights, mean, state, *batch(pieces, rng), jax.random.fold_in(key, k))
        losses.append(float(value))
        if k % 500 == 499 or k + 1 == args.steps:
            shown = validation_loss(mean, apart, run)
            print(f"{time.time() - began:.0f} s, step {k + 1}: loss {np.mean(losses[-500:]):.4f}, kept apart {shown[0]:.4f} {shown[1]:.4f}", flush=True)
            np.savez(args.out, **{f"{layer}.{part}": np.asarray(v) for layer, parts in mean.items() for part, v in parts.items()})


if __name__ == "__main__":
    main()
