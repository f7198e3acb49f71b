"""The hierarchical decoder (paper, 2.2 and 2.3): a conductor LSTM turns z into one embedding per segment, and each
embedding starts, and joins every input of, a decoder whose state restarts with the segment.

Segments only share the event before their first step. When that is known, as in training, all segments of all examples
are decoded at once, as a batch that many times as large; when it is not, one segment follows the other.
"""
import tensorflow as tf

from vae.model import decoder, lstm
from vae.model.stacks import stacks


def embeddings(weights: dict, config, z: tf.Tensor) -> tf.Tensor:
    """What the conductor makes of z: an embedding per segment. Shape [batch, segments, embedding].

    The conductor has no input but its own state, which z starts.
    """
    batch, x = z.shape[0], None
    for number, (h, c) in enumerate(decoder.initial_states(weights, "conductor/initial", config.conductor, z)):
        bias = weights[f"conductor/{number}/bias"]
        if number:
            x = tf.matmul(x, weights[f"conductor/{number}/input"]) + bias
        else:
            x = tf.broadcast_to(bias, [config.segments, batch, bias.shape[0]])
        x = lstm.layer(x, weights[f"conductor/{number}/recurrent"], h, c)  # (S, B, H)
    x = tf.matmul(x, weights["conductor/embedding/kernel"]) + weights["conductor/embedding/bias"]
    return tf.transpose(x, [1, 0, 2])


def _fold(x: tf.Tensor, segments: int) -> tf.Tensor:
    """[batch, steps, ...] to [batch * segments, steps / segments, ...]."""
    return tf.reshape(x, [x.shape[0] * segments, x.shape[1] // segments, *x.shape[2:]])


def _unfold(x: tf.Tensor, segments: int) -> tf.Tensor:
    return tf.reshape(x, [x.shape[0] // segments, x.shape[1] * segments, *x.shape[2:]])


def _streams(config):
    """(stack, slice of the streams it writes, slice of their classes) of every decoder stack."""
    stream = first = 0
    for stack in stacks(config):
        yield stack, slice(stream, stream + len(stack.classes)), slice(first, first + sum(stack.classes))
        stream, first = stream + len(stack.classes), first + sum(stack.classes)


def teacher_forced(weights: dict, config, z: tf.Tensor, previous: tf.Tensor) -> tf.Tensor:
    """Logits of every step when the previous outputs are given; all segments at once.

    z: [batch, latent].  previous: [batch, steps, streams], int32.  Returns [batch, steps, sum(classes)].
    """
    vectors = tf.reshape(embeddings(weights, config, z), [-1, config.embedding])  # (B S, E)
    folded = _fold(previous, config.segments)
    return tf.concat([_unfold(decoder.teacher_forced(weights, stack, vectors, folded[..., streams]), config.segments)
                      for stack, streams, _ in _streams(config)], axis=-1)


def rollout(weights: dict, config, z: tf.Tensor, temperature: tf.Tensor, uniform: tf.Tensor,
            bias: tf.Tensor | None = None) -> tf.Tensor:
    """Decode over the whole length, segment after segment. Arguments as in `decoder.rollout`, for whole sequences.

    Returns int32 [batch, steps, streams].
    """
    batch, steps, count = uniform.shape
    vectors = tf.transpose(embeddings(weights, config, z), [1, 0, 2])  # (S, B, E)
    length = steps // config.segments
    uniform = tf.transpose(tf.reshape(uniform, [batch, config.segments, length, count]), [1, 0, 2, 3])
    out = tf.TensorArray(tf.int32, config.segments, element_shape=[batch, length, count])

    def body(segment, before, out):
        drawn = tf.concat([
            decoder.rollout(weights, stack, vectors[segment], before[:, streams], temperature,
                            uniform[segment][..., streams], None if bias is None else bias[:, classes])
            for stack, streams, classes in _streams(config)], axis=-1)
        return segment + 1, drawn[:, -1], out.write(segment, drawn)

    *_, out = tf.while_loop(lambda segment, *_: segment < config.segments, body,
                            (0, tf.fill([batch, count], -1), out), maximum_iterations=config.segments)
    return tf.reshape(tf.transpose(out.stack(), [1, 0, 2, 3]), [batch, steps, count])


def own_events(weights: dict, config, z: tf.Tensor, temperature: tf.Tensor, uniform: tf.Tensor, previous: tf.Tensor,
               truth: tf.Tensor, forced: tf.Tensor) -> tf.Tensor:
    """For scheduled sampling: the events drawn when `truth` is fed on where `forced`, and before every segment.

    previous: the true event before every step, as for teacher forcing. [batch, steps, streams].  The rest and what is
    returned as in `decoder.rollout`; all segments at once.
    """
    segments = config.segments
    vectors = tf.reshape(embeddings(weights, config, z), [-1, config.embedding])
    uniform, truth, forced = (_fold(x, segments) for x in (uniform, truth, forced))
    before = _fold(previous, segments)[:, 0]
    return _unfold(tf.concat([
        decoder.rollout(weights, stack, vectors, before[:, streams], tf.repeat(temperature, segments),
                        uniform[..., streams], truth=truth[..., streams], forced=forced)
        for stack, streams, _ in _streams(config)], axis=-1), segments)
