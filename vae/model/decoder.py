"""The flat decoder: z starts a stack of LSTMs and is joined to the previous output at every step (paper, appendix)."""
import tensorflow as tf

from vae.model import lstm
from vae.model.streams import lookup, split


def _w(weights: dict, number: int, part: str) -> tf.Tensor:
    return weights[f"decoder/{number}/{part}"]


def initial_states(weights: dict, config, z: tf.Tensor) -> list[tuple[tf.Tensor, tf.Tensor]]:
    """The state (h, c) in which z starts every layer: tanh(z W + b), c before h, layer by layer.

    z: Shape [batch, latent]. A model without a latent (a decoder-only baseline) starts from zeros.
    """
    if not config.latent:
        return [(tf.zeros([z.shape[0], units]),) * 2 for units in config.decoder]
    flat = tf.tanh(tf.matmul(z, weights["decoder/initial/kernel"]) + weights["decoder/initial/bias"])
    parts = tf.split(flat, [units for units in config.decoder for _ in "ch"], axis=-1)
    return [(h, c) for c, h in zip(parts[::2], parts[1::2])]


def constant_gates(weights: dict, config, z: tf.Tensor) -> tf.Tensor:
    """What bias and z add to the first layer's gates; the same at every step, so computed once. [batch, 4 * units]."""
    bias = _w(weights, 0, "bias")
    if not config.latent:
        return tf.broadcast_to(bias, [z.shape[0], bias.shape[0]])
    return tf.matmul(z, _w(weights, 0, "latent")) + bias


def teacher_forced(weights: dict, config, z: tf.Tensor, previous: tf.Tensor) -> list[tf.Tensor]:
    """Logits of every step when the previous outputs are given.

    z: Shape [batch, latent].
    previous: the class fed at every step, -1 for none (as at the first). Shape [batch, steps, streams], int32.
    Returns logits per stream. Shape [batch, steps, classes] each.
    """
    x = lookup(_w(weights, 0, "input"), config.classes, tf.transpose(previous, [1, 0, 2]))
    x += constant_gates(weights, config, z)  # (T, B, 4H)
    for number, (h, c) in enumerate(initial_states(weights, config, z)):
        if number:
            x = tf.matmul(x, _w(weights, number, "input")) + _w(weights, number, "bias")
        x = lstm.layer(x, _w(weights, number, "recurrent"), h, c)  # (T, B, H)
    logits = tf.matmul(tf.transpose(x, [1, 0, 2]), weights["decoder/output/kernel"]) + weights["decoder/output/bias"]
    return split(logits, config.classes)


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


def rollout(weights: dict, config, z: tf.Tensor, temperature: tf.Tensor, uniform: tf.Tensor,
            bias: tf.Tensor | None = None, truth: tf.Tensor | None = None,
            forced: tf.Tensor | None = None) -> tf.Tensor:
    """Decode step by step, feeding back what was drawn.

    z: Shape [batch, latent].  temperature: Shape [batch].
    uniform: randomness in [0, 1), see `pick`. Shape [batch, steps, streams].
    bias: added to the logits of every step (scale, range and density act here). Shape [batch, sum(classes)].
    truth, forced: for scheduled sampling, the true classes [batch, steps, streams] and where the true class is fed on
        instead of the drawn one [batch, steps], bool.
    Returns the classes drawn. Shape [batch, steps, streams], int32.
    """
    steps, streams = uniform.shape[1:]
    batch = z.shape[0]
    constant = constant_gates(weights, config, z)
    out = tf.TensorArray(tf.int32, steps, element_shape=[batch, streams])

    def body(t, previous, states, out):
        x = lookup(_w(weights, 0, "input"), config.classes, previous) + constant
        after = []
        for number, (h, c) in enumerate(states):
            if number:
                x = tf.matmul(x, _w(weights, number, "input")) + _w(weights, number, "bias")
            x, c, _ = lstm.cell(x + tf.matmul(h, _w(weights, number, "recurrent")), c)
            after.append((x, c))
        logits = tf.matmul(x, weights["decoder/output/kernel"]) + weights["decoder/output/bias"]
        if bias is not None:
            logits += bias
        drawn = tf.stack([pick(one, temperature, uniform[:, t, stream])
                          for stream, one in enumerate(split(logits, config.classes))], axis=-1)  # (B, K)
        fed = drawn if truth is None else tf.where(forced[:, t, None], truth[:, t], drawn)
        return t + 1, fed, after, out.write(t, drawn)

    start = tf.fill([batch, streams], -1)
    *_, out = tf.while_loop(lambda t, *_: t < steps, body, (0, start, initial_states(weights, config, z), out),
                            maximum_iterations=steps)
    return tf.transpose(out.stack(), [1, 0, 2])
