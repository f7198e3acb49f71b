"""Shared features: a way to train the paper's input and output layers in far fewer examples.

A drum class is a combination of nine kinds, a melody class has a pitch class and an octave, but a one-hot vector tells
the network nothing of this: it must learn each of the 512 rows by itself. With shared features, each input row is
trained as row + features(class) @ rows of the features, and each output column alike, so that what is learnt of the
kick serves all 256 classes that hold one. `fold` adds the two up, which gives an ordinary matrix: the model itself,
its evaluation and its export know nothing of the features.
"""
import numpy as np
import tensorflow as tf

PREFIX = "features/"


def of_classes(codec) -> np.ndarray:
    """The features of all classes of all streams, side by side. Shape [sum(classes), features], float32.

    A drum stream has one feature per kind and one for silence; a melody stream one per pitch class, one per octave,
    and note, hold and rest.
    """
    blocks = []
    for size in codec.classes:
        classes = np.arange(size)
        if size == 512:
            kinds = (classes[:, None] >> np.arange(9)) & 1
            block = np.concatenate([kinds, classes[:, None] == 0], axis=1)
        else:
            note = classes < 128
            block = np.concatenate([
                note[:, None] & (classes[:, None] % 12 == np.arange(12)),
                note[:, None] & (classes[:, None] // 12 == np.arange(11)),
                note[:, None],
                classes[:, None] == np.arange(128, size),
            ], axis=1)
        blocks.append(block.astype(np.float32))
    out = np.zeros((sum(b.shape[0] for b in blocks), sum(b.shape[1] for b in blocks)), np.float32)
    row = column = 0
    for block in blocks:
        out[row:row + block.shape[0], column:column + block.shape[1]] = block
        row, column = row + block.shape[0], column + block.shape[1]
    return out


def initial(config, weights: dict[str, np.ndarray], seed: int) -> dict[str, np.ndarray]:
    """The extra parameters for every matrix that classes select from, keyed features/NAME."""
    rng = np.random.default_rng([seed, 1])
    count = of_classes(config.codec).shape[1]
    extra = {}
    for name, value in weights.items():
        if name.endswith("/input") and value.shape[0] == sum(config.classes):
            extra[PREFIX + name] = (value.std() * rng.standard_normal((count, value.shape[1]))).astype(np.float32)
        elif name.endswith("output/kernel"):
            extra[PREFIX + name] = (value.std() * rng.standard_normal((value.shape[0], count))).astype(np.float32)
    return extra


def fold(parameters: dict[str, tf.Tensor], features: np.ndarray | None) -> dict[str, tf.Tensor]:
    """Weights of the model from what is trained: every features/NAME is added into NAME."""
    weights = {name: value for name, value in parameters.items() if not name.startswith(PREFIX)}
    for name, value in parameters.items():
        if name.startswith(PREFIX):
            name = name.removeprefix(PREFIX)
            added = (tf.matmul(features, value) if name.endswith("/input")
                     else tf.matmul(value, features, transpose_b=True))
            weights[name] = weights[name] + added
    return weights
