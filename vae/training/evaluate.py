"""The columns of the paper's Table 1: next-step accuracy, reconstruction accuracy and KL."""
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from vae.model import vae
from vae.xla import compiled


@dataclass(frozen=True)
class Scores:
    """Next and reconstruction accuracy per stream (shares of steps whose class is right); KL and the teacher-forced
    cross-entropy of a whole sequence, both in nats."""
    next: tuple[float, ...]
    reconstruction: tuple[float, ...]
    kl: float
    cross_entropy: float
    examples: int


class Evaluator:
    """Scores weights on examples, with one compiled batch size; the last batch is padded and its padding not counted.

    Both accuracies take z at the posterior's mean and the most likely class at each step: nothing is drawn, so the
    same weights and examples give the same scores. A decoder-only baseline has no z: its reconstruction is the most
    likely sequence it writes when nothing is given.
    """

    def __init__(self, config, batch: int = 256):
        self._batch = batch

        @compiled
        def count(weights, tokens):
            mean, sigma = vae.posterior(weights, config, tokens)
            logits = vae.teacher_forced(weights, config, mean, vae.previous(tokens))
            guessed = tf.stack([tf.argmax(one, -1, output_type=tf.int32) for one in logits], axis=-1)
            decoded = vae.rollout(weights, config, mean, tf.zeros([batch]), tf.zeros(tokens.shape))
            right = [tf.reduce_mean(tf.cast(guess == tokens, tf.float32), axis=1) for guess in (guessed, decoded)]
            entropy = tf.add_n([tf.reduce_sum(tf.nn.sparse_softmax_cross_entropy_with_logits(tokens[..., k], one), axis=1)
                                for k, one in enumerate(logits)])
            return tf.concat([*right, tf.stack([vae.divergence(mean, sigma), entropy], axis=1)], axis=1)  # (B, 2K + 2)

        self._count = count

    def __call__(self, weights: dict[str, tf.Tensor], examples: np.ndarray, progress=lambda done: None) -> Scores:
        """examples: Shape [examples, steps, streams].  progress: told how many examples are done."""
        total = 0.0
        for begin in range(0, len(examples), self._batch):
            tokens = np.asarray(examples[begin:begin + self._batch], np.int32)
            padded = np.resize(tokens, (self._batch, *tokens.shape[1:]))
            total = total + self._count(weights, tf.constant(padded)).numpy()[:len(tokens)].sum(axis=0, dtype=np.float64)
            progress(begin + len(tokens))
        streams = examples.shape[2]
        mean = [float(value) for value in total / len(examples)]
        return Scores(tuple(mean[:streams]), tuple(mean[streams:2 * streams]), *mean[2 * streams:], len(examples))


def rounded(scores: Scores) -> dict:
    """Scores as plain values, four digits, for YAML, JSON and tables."""
    return {"next": [round(x, 4) for x in scores.next], "reconstruction": [round(x, 4) for x in scores.reconstruction],
            "kl": round(scores.kl, 2), "cross_entropy": round(scores.cross_entropy, 2), "examples": scores.examples}
