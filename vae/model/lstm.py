"""LSTM layers as pure functions: weights and tensors in, tensors out.

The cell is the one of the paper's TensorFlow implementation: gates in the order i, j, f, o (input, candidate, forget,
output) and a forget bias of 1 that is added in the cell and not stored. With these, weights that Magenta published can
be used as they are.

Back-propagation through time is written out instead of left to autodiff, because it needs one matrix product per step
where autodiff of a loop needs two: the gradient of the recurrent kernel is the sum over steps of h(t-1)^T dgates(t),
which is a single large product once all dgates are known. Both forms are compared in tests/vae/model/test_lstm.py.
"""
import tensorflow as tf

FORGET_BIAS = 1.0


def cell(gates: tf.Tensor, c: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """One LSTM step from its summed gate inputs.

    gates: pre-activations, input and recurrent part and bias added up. Shape [batch, 4 * units].
    c: the cell state before the step. Shape [batch, units].
    Returns (h, c, activations): new output, new cell state, [batch, units] each; the gates after their
    non-linearities, [batch, 4 * units], which back-propagation needs.
    """
    i, j, f, o = tf.split(gates, 4, axis=-1)
    i, j, f, o = tf.sigmoid(i), tf.tanh(j), tf.sigmoid(f + FORGET_BIAS), tf.sigmoid(o)
    c = f * c + i * j  # (B, H)
    return o * tf.tanh(c), c, tf.concat([i, j, f, o], axis=-1)


def _forward(x: tf.Tensor, kernel: tf.Tensor, h0: tf.Tensor, c0: tf.Tensor):
    """Run the cell over all steps; returns (outputs, cell states, activations), time first."""
    steps = x.shape[0]
    arrays = [tf.TensorArray(x.dtype, steps, element_shape=shape) for shape in (h0.shape, c0.shape, x.shape[1:])]

    def body(t, h, c, hs, cs, acts):
        h, c, act = cell(x[t] + tf.matmul(h, kernel), c)
        return t + 1, h, c, hs.write(t, h), cs.write(t, c), acts.write(t, act)

    *_, hs, cs, acts = tf.while_loop(lambda t, *_: t < steps, body, (0, h0, c0, *arrays), maximum_iterations=steps)
    return hs.stack(), cs.stack(), acts.stack()


def _backward(dhs: tf.Tensor, kernel: tf.Tensor, c0: tf.Tensor, cs: tf.Tensor, acts: tf.Tensor):
    """From the gradient of every output to (dgates of every step, dh0, dc0)."""
    steps = dhs.shape[0]
    before = tf.concat([c0[None], cs[:-1]], axis=0)  # (T, B, H): the cell state each step started from

    def body(t, dh, dc, out):
        i, j, f, o = tf.split(acts[t], 4, axis=-1)
        tanh_c = tf.tanh(cs[t])
        dh = dh + dhs[t]  # (B, H)
        dc = dc + dh * o * (1.0 - tanh_c * tanh_c)
        dgates = tf.concat([
            dc * j * i * (1.0 - i),
            dc * i * (1.0 - j * j),
            dc * before[t] * f * (1.0 - f),
            dh * tanh_c * o * (1.0 - o),
        ], axis=-1)  # (B, 4H)
        return t - 1, tf.matmul(dgates, kernel, transpose_b=True), dc * f, out.write(t, dgates)

    zeros = tf.zeros_like(c0)
    out = tf.TensorArray(dhs.dtype, steps, element_shape=acts.shape[1:])
    _, dh0, dc0, out = tf.while_loop(
        lambda t, *_: t >= 0, body, (steps - 1, zeros, zeros, out), maximum_iterations=steps)
    return out.stack(), dh0, dc0


@tf.custom_gradient
def layer(x: tf.Tensor, kernel: tf.Tensor, h0: tf.Tensor, c0: tf.Tensor):
    """A whole LSTM layer over time.

    x: what the inputs add to the gates, bias included. Shape [steps, batch, 4 * units].
    kernel: the recurrent kernel. Shape [units, 4 * units].
    h0, c0: the initial state. Shape [batch, units] each.
    Returns the outputs of every step. Shape [steps, batch, units].
    """
    hs, cs, acts = _forward(x, kernel, h0, c0)

    def grad(dhs):
        dx, dh0, dc0 = _backward(dhs, kernel, c0, cs, acts)
        before = tf.concat([h0[None], hs[:-1]], axis=0)  # (T, B, H)
        units = h0.shape[-1]
        dkernel = tf.matmul(tf.reshape(before, [-1, units]), tf.reshape(dx, [-1, 4 * units]), transpose_a=True)
        return dx, dkernel, dh0, dc0

    return hs, grad
