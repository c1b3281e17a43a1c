"""The network: a temporal convolutional network over levelled log bands, after Davies & Böck (EUSIPCO 2019).

`analysis-core/src/beat_net` computes the same in Rust. Shapes: B pieces, T frames of 20 ms.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

BANDS = 76  # what `beat_input` writes a row of, each 10 ms
STEPS = 200.0  # steps of a stored value
FIRST = 12  # channels of the first layer
CHANNELS = 24  # channels of every other layer
DILATIONS = [1, 2, 4, 8, 16, 32, 64, 128, 256]
TAPS = 5  # of a dilated layer
FREQ, FREQ_STRIDE, PLACES = 8, 4, 18  # first layer: bands of a window, their stride, windows
GROUP, GROUPS = 3, 6  # second layer: windows of a group, groups
LEAK = 0.1

# name, rows, columns, gain of the initial weights
LAYERS = (
    [("bands", TAPS * FREQ, FIRST, 2.0), ("groups", 3 * GROUP * FIRST, CHANNELS, 1.6), ("merge", GROUPS * CHANNELS, CHANNELS, 1.6)]
    + [layer for n in range(len(DILATIONS)) for layer in ((f"dilated{n}", TAPS * CHANNELS, CHANNELS, 1.6), (f"mix{n}", CHANNELS, CHANNELS, 0.1))]
    + [("out", CHANNELS, 2, 0.3)]
)


def initial(key):
    """Weights before training: `{layer: {"w": (rows, columns), "b": (columns,)}}`."""
    weights = {}
    for name, rows, columns, gain in LAYERS:
        key, own = jax.random.split(key)
        weights[name] = {"w": jax.random.normal(own, (rows, columns)) * np.sqrt(gain / rows), "b": jnp.zeros(columns)}
    weights["out"]["b"] = jnp.array([-2.0, -3.5])
    return weights


def leaky(x):
    return jnp.maximum(x, LEAK * x)


def convolved(layer, x, shape, strides, padding, dilation):
    """Convolution over time and bands (B, T, bands, channels); the rows of the weights are (taps, bands, channels)."""
    kernel = layer["w"].reshape(*shape, -1)
    return layer["b"] + lax.conv_general_dilated(
        x, kernel, strides, padding, rhs_dilation=dilation, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def affine(layer, x):
    return x @ layer["w"] + layer["b"]


def forward(weights, x, key=None, drop=0.1):
    """`x`: (B, 2T, BANDS) values as stored / STEPS. Gives (B, T, 2): log-odds of a beat and of a downbeat."""
    pieces, frames = x.shape[0], x.shape[1] // 2

    def dropout(h, n):
        """Whole channels, the same ones all along a piece."""
        if key is None:
            return h
        kept = jax.random.bernoulli(jax.random.fold_in(key, n), 1 - drop, (pieces,) + (1,) * (h.ndim - 2) + (h.shape[-1],))
        return h * kept / (1 - drop)

    # What lies outside is silence.
    x = (jnp.pad(x, ((0, 0), (2, 2), (0, 0))) - 0.35) * 4.0
    h = convolved(weights["bands"], x[..., None], (TAPS, FREQ, 1), (2, FREQ_STRIDE), [(0, 0), (0, 0)], (1, 1))
    h = dropout(leaky(h[:, :frames]), 0)
    h = dropout(leaky(convolved(weights["groups"], h, (3, GROUP, FIRST), (1, GROUP), [(1, 1), (0, 0)], (1, 1))), 1)
    h = leaky(affine(weights["merge"], h.reshape(pieces, frames, GROUPS * CHANNELS)))
    for n, dilation in enumerate(DILATIONS):
        edge = TAPS // 2 * dilation
        g = convolved(weights[f"dilated{n}"], h[:, :, None], (TAPS, 1, CHANNELS), (1, 1), [(edge, edge), (0, 0)], (dilation, 1))
        h = h + affine(weights[f"mix{n}"], dropout(leaky(g[:, :, 0]), 2 + n))
    return affine(weights["out"], leaky(h))
