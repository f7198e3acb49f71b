"""The variational autoencoder: encoder, latent and decoder put together, and the maths of the latent (paper, 2.1)."""
import tensorflow as tf

from vae.model import decoder, encoder


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
    return decoder.teacher_forced(weights, config, z, fed)


def rollout(weights: dict, config, z: tf.Tensor, temperature: tf.Tensor, uniform: tf.Tensor, **more) -> tf.Tensor:
    """Tokens decoded step by step, [batch, steps, streams]; see `decoder.rollout`."""
    return decoder.rollout(weights, config, z, temperature, uniform, **more)
