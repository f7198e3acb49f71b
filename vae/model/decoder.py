"""The flat decoder: a vector starts a stack of LSTMs and is joined to the previous output at every step (paper, appendix).

The vector is z in a flat model, and the embedding of a segment in a hierarchical one, whose lower level is this very
decoder run once per segment (see hierarchy.py).
"""
import tensorflow as tf

from vae.model import lstm
from vae.model.stacks import Stack
from vae.model.streams import lookup, split


def initial_states(weights: dict, prefix: str, units: tuple[int, ...], vector: tf.Tensor):
    """The state (h, c) in which a vector starts every layer of a stack: tanh(v W + b), c before h, layer by layer.

    vector: Shape [batch, width].
    """
    flat = tf.tanh(tf.matmul(vector, weights[f"{prefix}/kernel"]) + weights[f"{prefix}/bias"])
    parts = tf.split(flat, [size for size in units for _ in "ch"], axis=-1)
    return [(h, c) for c, h in zip(parts[::2], parts[1::2])]


def _start(weights: dict, stack: Stack, vector: tf.Tensor):
    """(states, constant): the initial states, and what bias and vector add to the first layer's gates, [batch,
    4 * units]: the same at every step, so computed once."""
    batch, bias = vector.shape[0], stack.of(weights, "0/bias")
    if not stack.latent:
        return [(tf.zeros([batch, size]),) * 2 for size in stack.units], tf.broadcast_to(bias, [batch, bias.shape[0]])
    states = initial_states(weights, f"{stack.prefix}/initial", stack.units, vector)
    return states, tf.matmul(vector, stack.of(weights, "0/latent")) + bias


def teacher_forced(weights: dict, stack: Stack, vector: tf.Tensor, previous: tf.Tensor) -> tf.Tensor:
    """Logits of every step when the previous outputs are given.

    vector: Shape [batch, latent].
    previous: the class fed at every step, -1 for none (as at the first). Shape [batch, steps, streams], int32.
    Returns logits of all streams side by side. Shape [batch, steps, sum(classes)].
    """
    states, constant = _start(weights, stack, vector)
    x = lookup(stack.of(weights, "0/input"), stack.classes, tf.transpose(previous, [1, 0, 2])) + constant  # (T, B, 4H)
    for number, (h, c) in enumerate(states):
        if number:
            x = tf.matmul(x, stack.of(weights, f"{number}/input")) + stack.of(weights, f"{number}/bias")
        x = lstm.layer(x, stack.of(weights, f"{number}/recurrent"), h, c)  # (T, B, H)
    return tf.matmul(tf.transpose(x, [1, 0, 2]), stack.of(weights, "output/kernel")) + stack.of(weights, "output/bias")


def pick(logits: tf.Tensor, temperature: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
    """Draw one class per row by inverting the cumulative distribution of softmax(logits / temperature).

    logits: Shape [batch, classes].  temperature: Shape [batch]; 0 picks the most likely class.
    uniform: one number in [0, 1) per row, the only randomness there is. Shape [batch].
    Returns int32 [batch].
    """
    warm = temperature[:, None] > 0
    scaled = (logits - tf.reduce_max(logits, axis=-1, keepdims=True)) / tf.where(warm, temperature[:, None], 1.0)
    cumulative = tf.cumsum(tf.exp(scaled), axis=-1)
    # The draw is scaled by the sum that was reached, a hair below it: rounding must not pass the last possible class.
    threshold = (uniform[:, None] * (1.0 - 2.0 ** -20)) * cumulative[:, -1:]
    drawn = tf.reduce_sum(tf.cast(cumulative <= threshold, tf.int32), axis=-1)
    return tf.where(warm[:, 0], drawn, tf.argmax(logits, axis=-1, output_type=tf.int32))


def rollout(weights: dict, stack: Stack, vector: tf.Tensor, before: tf.Tensor, temperature: tf.Tensor,
            uniform: tf.Tensor, bias: tf.Tensor | None = None, truth: tf.Tensor | None = None,
            forced: tf.Tensor | None = None) -> tf.Tensor:
    """Decode step by step, feeding back what was drawn.

    vector: Shape [batch, latent].  temperature: Shape [batch].
    before: the event before the first step, -1 for none. Shape [batch, streams], int32.
    uniform: randomness in [0, 1), see `pick`. Shape [batch, steps, streams].
    bias: added to the logits of every step (scale, range and density act here). Shape [batch, sum(classes)].
    truth, forced: for scheduled sampling, the true classes [batch, steps, streams] and where the true class is fed on
        instead of the drawn one [batch, steps], bool.
    Returns the classes drawn. Shape [batch, steps, streams], int32.
    """
    batch, steps, streams = uniform.shape
    states, constant = _start(weights, stack, vector)
    out = tf.TensorArray(tf.int32, steps, element_shape=[batch, streams])

    def body(t, previous, states, out):
        x = lookup(stack.of(weights, "0/input"), stack.classes, previous) + constant
        after = []
        for number, (h, c) in enumerate(states):
            if number:
                x = tf.matmul(x, stack.of(weights, f"{number}/input")) + stack.of(weights, f"{number}/bias")
            x, c, _ = lstm.cell(x + tf.matmul(h, stack.of(weights, f"{number}/recurrent")), c)
            after.append((x, c))
        logits = tf.matmul(x, stack.of(weights, "output/kernel")) + stack.of(weights, "output/bias")
        if bias is not None:
            logits += bias
        drawn = tf.stack([pick(one, temperature, uniform[:, t, stream])
                          for stream, one in enumerate(split(logits, stack.classes))], axis=-1)  # (B, K)
        fed = drawn if truth is None else tf.where(forced[:, t, None], truth[:, t], drawn)
        return t + 1, fed, after, out.write(t, drawn)

    *_, out = tf.while_loop(lambda t, *_: t < steps, body, (0, before, states, out), maximum_iterations=steps)
    return tf.transpose(out.stack(), [1, 0, 2])
