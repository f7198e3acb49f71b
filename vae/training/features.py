"""Shared features: a way to train the paper's input and output layers in far fewer examples.

A drum class is a combination of nine kinds, a melody class has a pitch class and an octave, but a one-hot vector tells
the network nothing of this: it must learn each of the 512 rows by itself. With shared features, each input row is
trained as row + features(class) @ rows of the features, and each output column alike, so that what is learnt of the
kick serves all 256 classes that hold one. `fold` adds the two up, which gives an ordinary matrix: the model itself,
its evaluation and its export know nothing of the features.
"""
import numpy as np
import tensorflow as tf

from vae.model import weights as model_weights
from vae.model.stacks import stacks

PREFIX = "features/"


def of_classes(classes: tuple[int, ...]) -> np.ndarray:
    """The features of all classes of some streams, side by side. Shape [sum(classes), features], float32.

    A drum stream (512 classes) has one feature per kind and one for silence; a melodic one has one per pitch class, one
    per octave, and note, hold and rest.
    """
    blocks = []
    for size in classes:
        number = np.arange(size)[:, None]
        if size == 512:
            block = np.concatenate([(number >> np.arange(9)) & 1, number == 0], axis=1)
        else:
            note = number < 128
            block = np.concatenate([note & (number % 12 == np.arange(12)), note & (number // 12 == np.arange(11)), note,
                                    number == np.arange(128, size)], axis=1)
        blocks.append(block.astype(np.float32))
    out = np.zeros((sum(b.shape[0] for b in blocks), sum(b.shape[1] for b in blocks)), np.float32)
    row = column = 0
    for block in blocks:
        out[row:row + block.shape[0], column:column + block.shape[1]] = block
        row, column = row + block.shape[0], column + block.shape[1]
    return out


def _matrices(config) -> dict[str, tuple[int, ...]]:
    """The matrices that classes select from, and the classes of each."""
    directions = ("forward", "backward") if config.latent else ()
    named = {f"encoder/0/{direction}/input": config.classes for direction in directions}
    for stack in stacks(config):
        named[f"{stack.prefix}/0/input"] = named[f"{stack.prefix}/output/kernel"] = stack.classes
    return named


def shapes(config) -> dict[str, tuple[int, int]]:
    """Name, features/NAME, to shape of the extra parameters."""
    weights, extra = model_weights.shapes(config), {}
    for name, classes in _matrices(config).items():
        (rows, columns), count = weights[name], of_classes(classes).shape[1]
        extra[PREFIX + name] = (count, columns) if name.endswith("/input") else (rows, count)
    return extra


def initial(config, weights: dict[str, np.ndarray], seed: int) -> dict[str, np.ndarray]:
    """The extra parameters, as large as the values they are added to."""
    rng = np.random.default_rng([seed, 1])
    return {name: (weights[name.removeprefix(PREFIX)].std() * rng.standard_normal(shape)).astype(np.float32)
            for name, shape in shapes(config).items()}


def fold(parameters: dict[str, tf.Tensor], config) -> dict[str, tf.Tensor]:
    """Weights of the model from what is trained: every features/NAME, if there are any, is added into NAME."""
    weights = {name: value for name, value in parameters.items() if not name.startswith(PREFIX)}
    for name, classes in _matrices(config).items():
        shared = parameters.get(PREFIX + name)
        if shared is not None:
            known = of_classes(classes)
            added = tf.matmul(known, shared) if name.endswith("/input") else tf.matmul(shared, known, transpose_b=True)
            weights[name] = weights[name] + added
    return weights
