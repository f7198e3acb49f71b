"""From latents to music: sample, reconstruct, vary, interpolate and grid (paper, Sampling Details).

Every draw belongs to one example: it comes from that example's (seed, index) and nothing else, and all decoding runs at
one fixed batch size whose unused rows are padding. So a result does not depend on what else was decoded with it.
"""
import functools
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from vae.model import vae
from vae.registry import Model
from vae.xla import compiled

BATCH = 16  # rows per call: one clip costs little more than an empty call, and 64 clips take four
_LATENT, _EVENTS = 0, 1  # independent streams of randomness of one example


def _rng(seed: int, index: int, use: int) -> np.random.Generator:
    return np.random.default_rng([seed % 2**64, index, use])


def prior(latent: int, seed: int, indices: Sequence[int]) -> np.ndarray:
    """Points of N(0, I): number i is a function of (seed, i). Returns float32 [len(indices), latent]."""
    return np.stack([_rng(seed, index, _LATENT).standard_normal(latent, np.float32) for index in indices])


def slerp(a: np.ndarray, b: np.ndarray, t) -> np.ndarray:
    """Spherical linear interpolation from a (t = 0) to b (t = 1), which keeps to the shell where the prior's mass is.

    a, b: Shape [latent].  t: a share or an array of shares. Returns [latent] or [len(t), latent], float32.
    Points in one direction from the origin (or one at it) have no arc between them and are joined by a line.
    """
    t = np.asarray(t, np.float64)[..., None]
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    lengths = np.linalg.norm(a) * np.linalg.norm(b)
    cosine = np.clip(a @ b / lengths, -1.0, 1.0) if lengths > 0 else 1.0
    angle = np.arccos(cosine)
    if np.sin(angle) < 1e-6:
        out = (1.0 - t) * a + t * b
    else:
        out = (np.sin((1.0 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle)
    return out.astype(np.float32)


def vary(z: np.ndarray, amount: float, seed: int, indices: Sequence[int]) -> np.ndarray:
    """Latents around a clip's, from near to far.

    Number i lies on the arc from z towards draw i of the prior, at the share amount * (1 - 1 / 2^(i + 1)): half the
    amount for the first, then ever closer to the whole. It depends on the seed and i only, not on how many are made.

    z: Shape [latent].  amount: 0 (the clip itself) to 1 (as far as unrelated draws).  Returns [len(indices), latent].
    """
    targets = prior(len(z), seed, indices)
    return np.stack([slerp(z, target, amount * (1.0 - 0.5 ** (index + 1))) for index, target in zip(indices, targets)])


def interpolate(a: np.ndarray, b: np.ndarray, count: int) -> np.ndarray:
    """`count` equally spaced points on the arc, a first and b last (paper, Sampling Details). [count, latent]."""
    return slerp(a, b, np.linspace(0.0, 1.0, count))


def grid(corners: Sequence[np.ndarray], columns: int, rows: int) -> np.ndarray:
    """A sheet of latents between two corners (a at x = 0, b at x = 1) or four (c and d the same at y = 1).

    Returns [rows * columns, latent]; index = row * columns + column, row 0 at y = 0.
    """
    if len(corners) not in (2, 4):
        raise ValueError(f"corners: must be 2 or 4. Received: {len(corners)}")
    xs, ys = np.linspace(0.0, 1.0, columns), np.linspace(0.0, 1.0, rows)
    top = slerp(corners[0], corners[1], xs)
    bottom = slerp(corners[2], corners[3], xs) if len(corners) == 4 else top
    across = np.stack([slerp(a, b, ys) for a, b in zip(top, bottom)])  # (columns, rows, latent)
    return across.transpose(1, 0, 2).reshape(rows * columns, -1)


@functools.cache
def _programs(config):
    """The compiled encoder and decoder of all models with this config; their weights are arguments.

    Kept for good: TensorFlow never frees what it compiled, so a daemon that loads a model time and again must not
    compile it anew each time (10 MB a time), and a newer version of a model is ready at once.
    """
    encode = compiled(lambda weights, tokens: vae.posterior(weights, config, tokens)[0])
    decode = compiled(lambda weights, z, temperature, uniform, bias: vae.rollout(
        weights, config, z, temperature, uniform, bias=bias))
    return encode, decode


class Sampler:
    """Encodes and decodes with one model. Arrays in, arrays out; any number of rows."""

    def __init__(self, model: Model):
        self.model = model
        config, codec = model.config, model.codec
        self._token_shape = (codec.steps, len(codec.classes))
        self._vocabulary = sum(codec.classes)
        self._encode, self._decode = _programs(config)

    def warm(self) -> None:
        """Compile both directions, so that the first request is as fast as any."""
        if self.model.config.latent:
            self.encode(np.zeros((1, *self._token_shape), np.int32))
        self.decode(np.zeros((1, self.model.config.latent), np.float32), [0.0], [0], [0])

    def prior(self, seed: int, indices: Sequence[int]) -> np.ndarray:
        """Latents of the prior, [len(indices), latent]."""
        return prior(self.model.config.latent, seed, indices)

    def encode(self, tokens: np.ndarray) -> np.ndarray:
        """The posterior mean of every sequence. tokens: [rows, steps, streams]. Returns float32 [rows, latent]."""
        tokens = np.asarray(tokens, np.int32)
        return self._batched(lambda part: self._encode(self.model.weights, part), tokens)

    def decode(self, z: np.ndarray, temperature: Sequence[float], seeds: Sequence[int], indices: Sequence[int],
               logit_bias: Sequence[np.ndarray] | None = None) -> np.ndarray:
        """Decode every latent with its own temperature and randomness.

        z: [rows, latent].  temperature: [rows], 0 for the most likely event at each step.
        seeds, indices: [rows] each; what row n draws is a function of seeds[n] and indices[n].
        logit_bias: per stream, added to the logits of every step. [rows, classes] each.
        Returns int32 [rows, steps, streams].
        """
        uniform = np.stack([_rng(seed, index, _EVENTS).random(self._token_shape, np.float32)
                            for seed, index in zip(seeds, indices)])
        bias = (np.concatenate(logit_bias, axis=1).astype(np.float32) if logit_bias is not None
                else np.zeros((len(z), self._vocabulary), np.float32))
        return self._batched(lambda *part: self._decode(self.model.weights, *part), np.asarray(z, np.float32),
                             np.asarray(temperature, np.float32), uniform, bias)

    @staticmethod
    def _batched(function, *inputs: np.ndarray) -> np.ndarray:
        """Call with BATCH rows at a time, the last call padded with its own first row."""
        out = []
        for begin in range(0, len(inputs[0]), BATCH):
            parts = [value[begin:begin + BATCH] for value in inputs]
            count = len(parts[0])
            padded = [np.concatenate([part, np.repeat(part[:1], BATCH - count, axis=0)]) for part in parts]
            out.append(function(*map(tf.constant, padded)).numpy()[:count])
        return np.concatenate(out)
