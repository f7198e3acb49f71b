"""The variational autoencoder: encoder, latent and decoder put together, and the maths of the latent (paper, 2.1)."""
import numpy as np
import tensorflow as tf

from vae.model import decoder, encoder, hierarchy, streams
from vae.model.stacks import stacks


def previous(tokens: tf.Tensor) -> tf.Tensor:
    """What the decoder is fed at every step: the event before it, and nothing (-1) at the first.

    tokens: Shape [batch, steps, streams]. Returns the same shape.
    """
    return tf.pad(tokens[:, :-1], [[0, 0], [1, 0], [0, 0]], constant_values=-1)


def posterior(weights: dict, config, tokens: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """(mean, sigma) of q(z | x), [batch, latent] each; of width 0 for a model without a latent."""
    if not config.latent:
        nothing = tf.zeros([tokens.shape[0], 0])
        return nothing, nothing
    return encoder.encode(weights, config, tokens)


def divergence(mean: tf.Tensor, sigma: tf.Tensor) -> tf.Tensor:
    """KL(q(z | x) || N(0, I)) per example, in nats. mean, sigma: [batch, latent]. Returns [batch]."""
    return tf.reduce_sum(0.5 * (mean * mean + sigma * sigma - 1.0) - tf.math.log(sigma), axis=-1)


def teacher_forced(weights: dict, config, z: tf.Tensor, fed: tf.Tensor) -> list[tf.Tensor]:
    """Logits per stream, [batch, steps, classes] each, when `fed` [batch, steps, streams] are the previous events."""
    if config.conductor:
        logits = hierarchy.teacher_forced(weights, config, z, fed)
    else:
        logits = decoder.teacher_forced(weights, stacks(config)[0], z, fed)
    return streams.split(logits, config.classes)


def rollout(weights: dict, config, z: tf.Tensor, temperature: tf.Tensor, uniform: tf.Tensor,
            bias: tf.Tensor | None = None) -> tf.Tensor:
    """Decode step by step over the whole length, feeding back what was drawn.

    z: [batch, latent].  temperature: [batch], 0 for the most likely class.
    uniform: all randomness there is, in [0, 1). [batch, steps, streams].
    bias: added to the logits of every step. [batch, sum(classes)].
    Returns the classes drawn, int32 [batch, steps, streams].
    """
    if config.conductor:
        return hierarchy.rollout(weights, config, z, temperature, uniform, bias)
    before = tf.fill([uniform.shape[0], uniform.shape[2]], -1)
    return decoder.rollout(weights, stacks(config)[0], z, before, temperature, uniform, bias)


def always_forced(config, steps: int) -> np.ndarray:
    """Where scheduled sampling must feed the true event on: after the last step of every segment of a hierarchical
    decoder, since a segment that starts from a known event need not wait for the one before it. bool [steps]."""
    ends = np.zeros(steps, bool)
    if config.conductor:
        length = steps // config.segments
        ends[length - 1::length] = True
    return ends


def own_events(weights: dict, config, z: tf.Tensor, uniform: tf.Tensor, truth: tf.Tensor, forced: tf.Tensor) -> tf.Tensor:
    """What the decoder draws, at temperature 1, when the true event is fed on where `forced` and its own elsewhere.

    z: [batch, latent].  uniform, truth: [batch, steps, streams].
    forced: [batch, steps], bool; must hold wherever `always_forced` does.
    Returns int32 [batch, steps, streams].
    """
    temperature = tf.ones([uniform.shape[0]])
    if config.conductor:
        return hierarchy.own_events(weights, config, z, temperature, uniform, previous(truth), truth, forced)
    before = tf.fill([uniform.shape[0], uniform.shape[2]], -1)
    return decoder.rollout(weights, stacks(config)[0], z, before, temperature, uniform, truth=truth, forced=forced)
