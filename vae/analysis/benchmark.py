"""What it brings that segments restart their state: a training step with all segments as one batch, against the same
step with one segment after the other, which is how a decoder without that trick works through a piece.

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
from vae.xla import compiled

TOGETHER, IN_TURN = "segments as one batch", "one segment after the other"


def _in_turn(config: Config, kind: tf.DType, segment: Callable, *inputs: tf.Tensor) -> tf.Tensor:
    """What segment(stack, streams, *inputs of a segment) gives for each segment in its turn, joined over time and,
    within each, over the decoder's stacks.

    kind: type of what it gives.  streams: slice of those that the stack writes.
    inputs: what segments are made from, [batch, segments, ...] each.
    """
    def one(parts):
        first, made = 0, []
        for stack in stacks(config):
            made.append(segment(stack, slice(first, first + len(stack.classes)), *parts))
            first += len(stack.classes)
        return tf.concat(made, axis=-1)  # (B, L, ...)

    in_order = tuple(tf.transpose(each, [1, 0, *range(2, len(each.shape))]) for each in inputs)
    out = tf.transpose(tf.map_fn(one, in_order, fn_output_signature=kind), [1, 0, 2, 3])  # (B, S, L, ...)
    return tf.reshape(out, [out.shape[0], config.codec.steps, out.shape[3]])


def _split(x: tf.Tensor, config: Config) -> tf.Tensor:
    """[batch, steps, ...] to [batch, segments, steps / segments, ...]."""
    return tf.reshape(x, [x.shape[0], config.segments, -1, *x.shape[2:]])


def teacher_forced(weights: dict, config: Config, z: tf.Tensor, previous: tf.Tensor) -> tf.Tensor:
    """`hierarchy.teacher_forced`, one segment after the other."""
    def segment(stack, streams, vectors, previous):
        return decoder.teacher_forced(weights, stack, vectors, previous[..., streams])

    return _in_turn(config, tf.float32, segment, hierarchy.embeddings(weights, config, z), _split(previous, config))


def own_events(weights: dict, config: Config, z: tf.Tensor, temperature: tf.Tensor, uniform: tf.Tensor,
               previous: tf.Tensor, truth: tf.Tensor, forced: tf.Tensor) -> tf.Tensor:
    """`hierarchy.own_events`, one segment after the other."""
    def segment(stack, streams, vectors, uniform, previous, truth, forced):
        return decoder.rollout(weights, stack, vectors, previous[:, 0, streams], temperature, uniform[..., streams],
                               truth=truth[..., streams], forced=forced)

    return _in_turn(config, tf.int32, segment, hierarchy.embeddings(weights, config, z),
                    *(_split(x, config) for x in (uniform, previous, truth, forced)))


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
    streams = [rng.integers(0, size, (training.batch, codec.steps)) for size in codec.classes]
    tokens = tf.constant(np.stack(streams, axis=-1), tf.int32)
    values = model_weights.initial(config, training.seed, training.input_scale)
    if training.shared_features:
        values |= features.initial(config, values, training.seed)
    parameters = {name: tf.constant(value) for name, value in values.items()}
    zeros = {name: tf.zeros_like(value) for name, value in parameters.items()}

    def step(parameters, first, second, number):
        draws = objective.noise(*tokens.shape, config.latent, tf.stack([training.seed, number]))
        gradient, metrics = objective.gradients(parameters, config, tokens, draws, 0.1, 0.5)
        moved = objective.adam(parameters, first, second, gradient, number, tf.constant(1e-4), training.clip_norm)
        return moved, metrics

    forms = {TOGETHER: compiled(step)}
    progress(f"compiling: {TOGETHER}")
    forms[TOGETHER](parameters, zeros, zeros, tf.constant(0))
    if config.conductor:
        forms[IN_TURN] = compiled(step)
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
