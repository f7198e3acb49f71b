"""What it brings that segments restart their state: a training step with all segments as one batch against the same step
with one segment after the other, which is how a decoder without that trick works through a piece.

Both forms are the same functions of the same weights and noise; their loss and gradients are equal but for rounding.
"""
import contextlib
import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from vae.config import Config
from vae.model import decoder, hierarchy
from vae.model import weights as model_weights
from vae.model.stacks import stacks
from vae.training import features, objective

TOGETHER, IN_TURN = "segments as one batch", "one segment after the other"


def _in_turn(config: Config, z: tf.Tensor, weights: dict, segment: Callable) -> tf.Tensor:
    """What segment(stack, vectors, streams, steps) gives for each segment in its turn, joined over time and, within
    each, over the decoder's stacks. steps, streams: slices of what belongs to it."""
    vectors, length, parts = hierarchy.embeddings(weights, config, z), config.codec.steps // config.segments, []
    for number in range(config.segments):
        steps, first, streams = slice(number * length, (number + 1) * length), 0, []
        for stack in stacks(config):
            streams.append(segment(stack, vectors[:, number], slice(first, first + len(stack.classes)), steps))
            first += len(stack.classes)
        parts.append(tf.concat(streams, axis=-1))
    return tf.concat(parts, axis=1)


def teacher_forced(weights: dict, config: Config, z: tf.Tensor, previous: tf.Tensor) -> tf.Tensor:
    """`hierarchy.teacher_forced`, one segment after the other."""
    return _in_turn(config, z, weights, lambda stack, vectors, streams, steps: decoder.teacher_forced(
        weights, stack, vectors, previous[:, steps, streams]))


def own_events(weights: dict, config: Config, z: tf.Tensor, temperature: tf.Tensor, uniform: tf.Tensor,
               previous: tf.Tensor, truth: tf.Tensor, forced: tf.Tensor) -> tf.Tensor:
    """`hierarchy.own_events`, one segment after the other."""
    return _in_turn(config, z, weights, lambda stack, vectors, streams, steps: decoder.rollout(
        weights, stack, vectors, previous[:, steps.start, streams], temperature, uniform[:, steps, streams],
        truth=truth[:, steps, streams], forced=forced[:, steps]))


@contextlib.contextmanager
def segments_in_turn():
    """Within this context, what is traced decodes one segment after the other."""
    together = hierarchy.teacher_forced, hierarchy.own_events
    hierarchy.teacher_forced, hierarchy.own_events = teacher_forced, own_events
    try:
        yield
    finally:
        hierarchy.teacher_forced, hierarchy.own_events = together


def measure(config: Config, rounds: int, progress: Callable[[str], None] = lambda what: None) -> dict[str, float]:
    """Examples per second of whole training steps (loss, gradients, Adam), per form: `TOGETHER` and, of a hierarchical
    decoder, `IN_TURN`.

    The forms take turns, `rounds` times after a first step that compiles, and the median step counts: other work on
    the machine then slows both alike. Scheduled sampling feeds half the events from the model's own draws.
    progress: told what is being done.
    """
    training, codec = config.training, config.codec
    rng = np.random.default_rng(training.seed)
    tokens = tf.constant(np.stack([rng.integers(0, size, (training.batch, codec.steps)) for size in codec.classes], -1), tf.int32)
    values = model_weights.initial(config, training.seed, training.input_scale)
    if training.shared_features:
        values |= features.initial(config, values, training.seed)
    parameters = {name: tf.constant(value) for name, value in values.items()}
    zeros = {name: tf.zeros_like(value) for name, value in parameters.items()}

    def step(parameters, first, second, number):
        draws = objective.noise(training.batch, codec.steps, len(codec.classes), config.latent, tf.stack([training.seed, number]))
        gradient, metrics = objective.gradients(parameters, config, tokens, draws, 0.1, 0.5)
        return objective.adam(parameters, first, second, gradient, number, tf.constant(1e-4), training.clip_norm), metrics

    forms = {TOGETHER: tf.function(step, jit_compile=True)}
    progress(f"compiling: {TOGETHER}")
    forms[TOGETHER](parameters, zeros, zeros, tf.constant(0))
    if config.conductor:
        forms[IN_TURN] = tf.function(step, jit_compile=True)
        progress(f"compiling: {IN_TURN}")
        with segments_in_turn():
            forms[IN_TURN](parameters, zeros, zeros, tf.constant(0))
    seconds = {form: [] for form in forms}
    for number in range(1, rounds + 1):
        for form, function in forms.items():
            progress(f"round {number} of {rounds}: {form}")
            began = time.perf_counter()
            _, metrics = function(parameters, zeros, zeros, tf.constant(number))
            metrics.numpy()  # waits for the device
            seconds[form].append(time.perf_counter() - began)
    return {form: training.batch / float(np.median(times)) for form, times in seconds.items()}
