"""Batches of examples as a pure function of the step, so that a resumed run sees exactly what an unbroken one would."""
import concurrent.futures
import functools
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from vae.config import Config
from vae.dataset import augment


class Batches:
    """Shuffled, augmented batches from one or several weighted example arrays.

    Every source goes through its examples in epochs, each in a new order; every example is augmented afresh each time.
    sources: example arrays, [examples, steps, streams], uint16, possibly memory-mapped.
    weights: the share of the batch each source gets; the shares are met exactly over time.
    config: gives the task, and of its `training` what is augmented (raises ValueError), how long a stretch of each example
        is trained, the batch and the seed.
    """

    def __init__(self, sources: Sequence[np.ndarray], weights: Sequence[float], config: Config):
        training = config.training
        self._sources, self._batch, self._seed = sources, training.batch, training.seed
        self._shares = np.cumsum(np.asarray(weights, float) / np.sum(weights))
        self._augmentations: list[Callable] = [augment.by_name(name, config.task) for name in training.augment]
        if training.excerpt:
            self._augmentations.append(functools.partial(augment.excerpt, codec=config.codec, steps=config.trained_steps))
        self._orders: dict[int, tuple[int, np.ndarray]] = {}

    def at(self, step: int) -> np.ndarray:
        """The batch of a step, int32 [batch, config.trained_steps, streams]."""
        rows = [self._sources[source][np.sort(indices)] for source, indices in self._indices(step)]
        tokens = np.concatenate(rows).astype(np.int32)
        rng = np.random.default_rng([self._seed, step, 1])
        for function in self._augmentations:
            tokens = function(tokens, rng)
        return tokens

    def from_step(self, step: int) -> Iterator[np.ndarray]:
        """Batches from this step on, each made in the background while its predecessor is used."""
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            following = pool.submit(self.at, step)
            while True:
                step, current = step + 1, following.result()
                following = pool.submit(self.at, step)
                yield current

    def _indices(self, step: int) -> Iterator[tuple[int, np.ndarray]]:
        """(source, rows) of a step. A source has given floor(total drawn * cumulative share) rows, so none drifts."""
        edges = np.concatenate([[0.0], self._shares])
        for source, (low, high) in enumerate(zip(edges, edges[1:])):
            begin, end = (int(step * self._batch * high) - int(step * self._batch * low),
                          int((step + 1) * self._batch * high) - int((step + 1) * self._batch * low))
            if end > begin:
                size = len(self._sources[source])
                positions = np.arange(begin, end)
                yield source, np.concatenate([self._order(source, epoch)[positions[positions // size == epoch] % size]
                                              for epoch in range(begin // size, (end - 1) // size + 1)])

    def _order(self, source: int, epoch: int) -> np.ndarray:
        known = self._orders.get(source)
        if known is None or known[0] != epoch:
            order = np.random.default_rng([self._seed, source, epoch, 2]).permutation(len(self._sources[source]))
            known = self._orders[source] = (epoch, order)
        return known[1]
