"""The training objective as a pure function, and its gradient step (paper, Training Details)."""
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from vae.model import vae
from vae.training import features

METRICS = ("loss", "reconstruction_loss", "kl", "next_accuracy")


class Noise(NamedTuple):
    """All randomness of one step, drawn from the step's seed for the whole batch, so that a result depends neither on
    how many machines share the batch nor on where a run was interrupted."""
    latent: tf.Tensor  # standard normal, [batch, latent]
    draw: tf.Tensor  # uniform, for the decoder's own events, [batch, steps, streams]
    force: tf.Tensor  # uniform, for the choice between true and own events, [batch, steps]


def noise(batch: int, steps: int, streams: int, latent: int, seed: tf.Tensor) -> Noise:
    """seed: int32 [2]."""
    seeds = tf.random.experimental.stateless_split(seed, 3)
    return Noise(tf.random.stateless_normal([batch, latent], seeds[0]),
                 tf.random.stateless_uniform([batch, steps, streams], seeds[1]),
                 tf.random.stateless_uniform([batch, steps], seeds[2]))


def loss(parameters: dict, config, tokens: tf.Tensor, draws: Noise, beta: tf.Tensor, truth: tf.Tensor):
    """The negative evidence lower bound with free bits and a weight on the KL term.

    mean over examples of: cross-entropy summed over steps and streams + beta * max(KL - free bits * ln 2, 0).

    tokens: Shape [batch, steps, streams], int32.
    beta: weight of the KL term, scalar.  truth: probability of feeding the true previous event, scalar.
    Returns (loss, metrics): metrics as named in METRICS, float32 [4], nats and shares.

    Scheduled sampling is done in two passes: the first decodes step by step and only finds which events are fed, the
    second is ordinary teacher forcing on those. Both compute the same states, and since no gradient flows through a
    draw, neither does any through the first pass; the second can then use the fast layer-by-layer form.
    """
    training = config.training
    weights = features.fold(parameters, config)
    mean, sigma = vae.posterior(weights, config, tokens)
    z = mean + sigma * draws.latent
    fed = tokens
    if training.scheduled_sampling:
        forced = (draws.force < truth) | vae.always_forced(config, tokens.shape[1])
        fixed = {name: tf.stop_gradient(value) for name, value in weights.items()}
        own = vae.own_events(fixed, config, tf.stop_gradient(z), draws.draw, tokens, forced)
        fed = tf.where(forced[..., None], tokens, own)
    logits = vae.teacher_forced(weights, config, z, vae.previous(fed))
    entropy, right = 0.0, 0.0
    for stream, one in enumerate(logits):
        target = tokens[..., stream]
        entropy += tf.nn.sparse_softmax_cross_entropy_with_logits(target, one)  # (B, T)
        right += tf.reduce_mean(tf.cast(tf.argmax(one, -1, output_type=tf.int32) == target, tf.float32))
    reconstruction = tf.reduce_mean(tf.reduce_sum(entropy, axis=1))
    kl = vae.divergence(mean, sigma)
    costly = tf.reduce_mean(tf.maximum(kl - training.free_bits * np.log(2.0), 0.0))
    total = reconstruction + beta * costly
    return total, tf.stack([total, reconstruction, tf.reduce_mean(kl), right / len(logits)])


def gradients(parameters: dict, config, tokens, draws: Noise, beta, truth) -> tuple[dict, tf.Tensor]:
    """(gradient per parameter, metrics) of `loss`."""
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        total, metrics = loss(parameters, config, tokens, draws, beta, truth)
    return tape.gradient(total, parameters, unconnected_gradients=tf.UnconnectedGradients.ZERO), metrics


BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8  # Adam's, as in Kingma and Ba 2015 and TensorFlow's defaults


def adam(parameters: dict, first: dict, second: dict, gradient: dict, step: tf.Tensor, rate: tf.Tensor,
         clip_norm: float) -> tuple[dict, dict, dict]:
    """One step of Adam.

    first, second: the running means of the gradient and of its square.  step: counted from 0, int32 scalar.
    rate: the learning rate, scalar.  clip_norm: gradients of a larger global norm are scaled down to it; 0: never.
    Returns the new (parameters, first, second).
    """
    if clip_norm:
        norm = tf.linalg.global_norm(list(gradient.values()))
        scale = clip_norm / tf.maximum(norm, clip_norm)
        gradient = {name: value * scale for name, value in gradient.items()}
    count = tf.cast(step + 1, tf.float32)
    rate *= tf.sqrt(1.0 - BETA_2 ** count) / (1.0 - BETA_1 ** count)
    first = {name: BETA_1 * first[name] + (1.0 - BETA_1) * g for name, g in gradient.items()}
    second = {name: BETA_2 * second[name] + (1.0 - BETA_2) * g * g for name, g in gradient.items()}
    moved = {name: value - rate * first[name] / (tf.sqrt(second[name]) + EPSILON) for name, value in parameters.items()}
    return moved, first, second
