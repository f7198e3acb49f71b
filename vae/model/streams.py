"""Token streams: a step holds one class per stream (one for loops and melodies, three for trios).

Inputs and outputs of all streams lie side by side, as if their one-hot vectors were concatenated, which is how the
paper feeds a trio to its encoder. A one-hot vector times a matrix is a row of that matrix, so rows are looked up.
"""
import tensorflow as tf


def lookup(table: tf.Tensor, classes: tuple[int, ...], tokens: tf.Tensor) -> tf.Tensor:
    """The concatenated one-hot vectors of all streams times a matrix, without forming them.

    table: Shape [sum(classes), width].
    tokens: Shape [..., streams], int32; a negative class stands for "no event" and adds nothing.
    Returns shape [..., width].
    """
    total, offset = None, 0
    for stream, size in enumerate(classes):
        token = tokens[..., stream]
        rows = tf.gather(table[offset:offset + size], tf.maximum(token, 0))
        rows = tf.where((token >= 0)[..., None], rows, 0.0)
        total = rows if total is None else total + rows
        offset += size
    return total


def split(logits: tf.Tensor, classes: tuple[int, ...]) -> list[tf.Tensor]:
    """Cut concatenated logits [..., sum(classes)] into one tensor [..., size] per stream."""
    return tf.split(logits, classes, axis=-1) if len(classes) > 1 else [logits]
