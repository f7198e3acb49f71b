"""Samples of the prior, as the measures of structure and quality need them: many, and with their progress told."""
from collections.abc import Callable

import numpy as np

from vae import sampling
from vae.registry import Model

TEMPERATURE = 0.5  # the paper's, Sampling Details


def draw(model: Model, count: int, seed: int, progress: Callable[[int], None] = lambda done: None) -> np.ndarray:
    """`count` sequences from the prior at the paper's temperature; `musicvae generate` makes the same with this seed.

    progress: told how many are drawn.
    Returns int32 [count, steps, streams].
    """
    sampler, drawn = sampling.Sampler(model), []
    for begin in range(0, count, sampling.BATCH):
        indices = range(begin, min(begin + sampling.BATCH, count))
        z = sampler.prior(seed, indices)
        drawn.append(sampler.decode(z, [TEMPERATURE] * len(z), [seed] * len(z), indices))
        progress(indices.stop)
    return np.concatenate(drawn)
