"""The written-out back-propagation against TensorFlow's autodiff of a plain float64 loop."""
import numpy as np
import pytest
import tensorflow as tf

from vae.model import lstm

STEPS, BATCH, UNITS = 5, 3, 4


def naive(x, kernel, h, c):
    """The textbook cell, one step after the other, for autodiff to walk through."""
    outputs = []
    for t in range(STEPS):
        i, j, f, o = tf.split(x[t] + h @ kernel, 4, axis=-1)
        c = tf.sigmoid(f + 1.0) * c + tf.sigmoid(i) * tf.tanh(j)
        h = tf.sigmoid(o) * tf.tanh(c)
        outputs.append(h)
    return tf.stack(outputs)


@pytest.fixture
def inputs():
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape) for shape in (
        (STEPS, BATCH, 4 * UNITS), (UNITS, 4 * UNITS), (BATCH, UNITS), (BATCH, UNITS))]


def gradients(function, inputs, dtype, weight):
    tensors = [tf.constant(value, dtype) for value in inputs]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        out = function(*tensors)
        total = tf.reduce_sum(out * tf.constant(weight, dtype))
    return out.numpy(), [g.numpy() for g in tape.gradient(total, tensors)]


@pytest.mark.parametrize("dtype, tolerance", [(tf.float64, 1e-12), (tf.float32, 2e-5)])
@pytest.mark.parametrize("compiled", [False, True])
def test_layer_and_its_gradients_equal_autodiff_of_a_plain_loop(inputs, dtype, tolerance, compiled):
    weight = np.random.default_rng(1).standard_normal((STEPS, BATCH, UNITS))
    expected, expected_gradients = gradients(naive, inputs, tf.float64, weight)
    layer = tf.function(lstm.layer, jit_compile=True) if compiled else lstm.layer
    out, found = gradients(layer, inputs, dtype, weight)
    np.testing.assert_allclose(out, expected, atol=tolerance)
    for one, other in zip(found, expected_gradients, strict=True):
        np.testing.assert_allclose(one, other, atol=tolerance * 10)
