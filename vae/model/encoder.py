"""The encoder: a bidirectional LSTM that reads a sequence and gives the posterior over the latent (paper, appendix)."""
import tensorflow as tf

from vae.model import lstm
from vae.model.streams import lookup


def encode(weights: dict, config, tokens: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The posterior q(z | x) of every sequence, a Gaussian with diagonal covariance.

    tokens: classes per step and stream. Shape [batch, steps, streams], int32.
    Returns (mean, sigma): mean and standard deviation. Shape [batch, latent] each.
    """
    tokens = tf.transpose(tokens, [1, 0, 2])  # (T, B, K)
    batch = tokens.shape[1]
    x = None
    for number, units in enumerate(config.encoder):
        zeros = tf.zeros([batch, units])
        outputs = []
        for direction in ("forward", "backward"):
            w = {part: weights[f"encoder/{number}/{direction}/{part}"] for part in ("input", "recurrent", "bias")}
            gates = (lookup(w["input"], config.classes, tokens) if x is None else tf.matmul(x, w["input"])) + w["bias"]
            if direction == "backward":
                gates = tf.reverse(gates, [0])
            outputs.append(lstm.layer(gates, w["recurrent"], zeros, zeros))  # (T, B, H)
        last = tf.concat([output[-1] for output in outputs], axis=-1)  # (B, 2H)
        x = tf.concat([outputs[0], tf.reverse(outputs[1], [0])], axis=-1)  # (T, B, 2H), in the order of time
    mean = tf.matmul(last, weights["encoder/mean/kernel"]) + weights["encoder/mean/bias"]
    raw = tf.matmul(last, weights["encoder/sigma/kernel"]) + weights["encoder/sigma/bias"]
    # The paper's appendix has sigma = exp(2 sigma_pre); Magenta's published weights were trained with softplus.
    return mean, tf.exp(2.0 * raw) if config.sigma == "exponential" else tf.nn.softplus(raw)
