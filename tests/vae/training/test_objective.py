"""The loss against values computed by hand and against the naive model, and Adam against its paper."""
import numpy as np
import pytest
import tensorflow as tf

from tests.vae.conftest import LEVELS, make, random_tokens
from tests.vae.model import naive
from vae.config import Schedule
from vae.model import vae
from vae.training import features, objective

TRAINING = {"steps": 10, "batch": 4, "free_bits": 0}


def draws(config, batch, seed=5):
    return objective.noise(batch, config.codec.steps, len(config.classes), config.latent, tf.constant([seed, 0]))


def test_loss_of_a_silent_model_is_the_uniform_entropy_and_the_hand_computed_kl():
    config, weights = make("drums_2bar", scale=0.0, training=TRAINING)
    weights = {name: np.zeros_like(value) for name, value in weights.items()}
    weights["encoder/mean/bias"][:] = 1.0
    total, metrics = objective.loss(weights, config, tf.constant(random_tokens(config, 4)), draws(config, 4), 0.5, 1.0)
    entropy = 32 * np.log(512)  # every class equally likely at each of 32 steps
    kl = config.latent * 0.5  # mean 1 and sigma exp(0) = 1 in each dimension
    np.testing.assert_allclose(metrics[:3], [entropy + 0.5 * kl, entropy, kl], rtol=1e-5)
    assert total == metrics[0]


@pytest.mark.parametrize("free_bits, costly", [(0, 3.0), (2, 3.0 - 2 * np.log(2)), (48, 0.0)])
def test_free_bits_are_free_per_sequence_and_in_bits(free_bits, costly):
    config, weights = make("melody_2bar", scale=0.0, training={**TRAINING, "free_bits": free_bits})
    weights = {name: np.zeros_like(value) for name, value in weights.items()}
    weights["encoder/mean/bias"][:] = 1.0  # KL 3 nats with 6 dimensions
    _, metrics = objective.loss(weights, config, tf.constant(random_tokens(config, 4)), draws(config, 4), 0.2, 1.0)
    np.testing.assert_allclose(metrics[0] - metrics[1], 0.2 * costly, atol=1e-4)


def test_loss_equals_the_naive_models():
    config, weights = make("melody_2bar", training=TRAINING)
    tokens, noise = random_tokens(config, 3), draws(config, 3)
    _, metrics = objective.loss(weights, config, tf.constant(tokens), noise, 0.3, 1.0)
    entropies, kls = [], []
    for row in range(3):
        mean, sigma = naive.encode(weights, config, tokens[row])
        z = mean + sigma * noise.latent[row].numpy()
        logits = naive.decode(weights, config, z, config.codec.steps, lambda t, _: tokens[row, t])
        logits -= np.log(np.exp(logits - logits.max(1, keepdims=True)).sum(1, keepdims=True)) + logits.max(1, keepdims=True)
        entropies.append(-logits[np.arange(32), tokens[row, :, 0]].sum())
        kls.append((0.5 * (mean ** 2 + sigma ** 2 - 1) - np.log(sigma)).sum())
    np.testing.assert_allclose(metrics[1:3], [np.mean(entropies), np.mean(kls)], rtol=1e-3)


@pytest.mark.parametrize("scheduled_sampling", [0, 1000])
@pytest.mark.parametrize("task, changes", [("drums_2bar", {}), ("trio_16bar", LEVELS)])
def test_gradients_equal_finite_differences(task, changes, scheduled_sampling):
    """Central differences in float32 on a direction that follows the gradient, for every weight at once."""
    training = {**TRAINING, "scheduled_sampling": scheduled_sampling, "shared_features": True}
    config, weights = make(task, scale=1.0, training=training, **changes)
    parameters = {**weights, **features.initial(config, weights, 0)}
    parameters = {name: tf.constant(value) for name, value in parameters.items()}
    tokens, noise = tf.constant(random_tokens(config, 4)), draws(config, 4)
    # Draws of the model's own move in jumps, so all of them are the truth here; where they are fed is tested elsewhere.
    gradient, _ = objective.gradients(parameters, config, tokens, noise, 0.2, 1.1)
    norm = tf.linalg.global_norm(list(gradient.values()))
    step = 0.01
    ends = [objective.loss({name: value + sign * step * gradient[name] / norm for name, value in parameters.items()},
                           config, tokens, noise, 0.2, 1.1)[0] for sign in (1.0, -1.0)]
    np.testing.assert_allclose((ends[0] - ends[1]) / (2 * step), norm, rtol=0.01)


def test_scheduled_sampling_trains_on_its_own_draws():
    config, weights = make("drums_2bar", training={**TRAINING, "scheduled_sampling": 1000})
    tokens, noise = tf.constant(random_tokens(config, 4)), draws(config, 4)
    _, metrics = objective.loss(weights, config, tokens, noise, 0.0, 0.0)  # never the truth
    mean, sigma = vae.posterior(weights, config, tokens)
    z = mean + sigma * noise.latent
    own = vae.rollout(weights, config, z, tf.ones([4]), noise.draw)
    logits = vae.teacher_forced(weights, config, z, vae.previous(own))[0]
    entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(tokens[..., 0], logits)
    np.testing.assert_allclose(metrics[1], tf.reduce_mean(tf.reduce_sum(entropy, axis=1)), rtol=1e-5)
    assert not np.allclose(metrics[1], objective.loss(weights, config, tokens, noise, 0.0, 1.1)[1][1], rtol=1e-5)


def test_noise_is_that_of_the_seed_only():
    one, same, other = (objective.noise(4, 32, 1, 6, tf.constant(seed)) for seed in ([1, 2], [1, 2], [1, 3]))
    for a, b, c in zip(one, same, other):
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, c)


def test_adam_takes_the_steps_of_its_paper():
    parameters, first, second = {"w": tf.constant([1.0])}, {"w": tf.constant([0.0])}, {"w": tf.constant([0.0])}
    w = m = v = 0.0
    w = 1.0
    for step, gradient in enumerate([0.5, -2.0, 1.0]):
        parameters, first, second = objective.adam(parameters, first, second, {"w": tf.constant([gradient])},
                                                   tf.constant(step), tf.constant(0.1), 0.0)
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient ** 2
        w -= 0.1 * (m / (1 - 0.9 ** (step + 1))) / (np.sqrt(v / (1 - 0.999 ** (step + 1))) + 1e-8)
        np.testing.assert_allclose(parameters["w"], [w], rtol=1e-5)


def test_adam_scales_long_gradients_down():
    zero = {"w": tf.zeros([2])}
    _, first, _ = objective.adam(zero, zero, zero, {"w": tf.constant([30.0, 40.0])}, tf.constant(0), tf.constant(0.1), 5.0)
    np.testing.assert_allclose(first["w"], [0.3, 0.4], rtol=1e-5)


def test_schedules_are_the_papers():
    rate = Schedule(1e-3, 1e-5, 0.9999)
    assert rate(0) == pytest.approx(1e-3) and rate(10**7) == pytest.approx(1e-5)
    assert rate(10_000) == pytest.approx(1e-5 + 0.99e-3 * 0.9999 ** 10_000)
    beta = Schedule(0.0, 0.2, 0.99999)
    assert beta(0) == 0 and beta(100_000) == pytest.approx(0.2 * (1 - 0.99999 ** 100_000))
    training = make(training={**TRAINING, "scheduled_sampling": 1000})[0].training
    assert training.truth_probability(0) == pytest.approx(1000 / 1001)
    assert training.truth_probability(1000 * np.log(1000)) == pytest.approx(0.5)  # k e^(-i/k) = 1
    assert training.truth_probability(10**7) < 1e-300
    assert make(training=TRAINING)[0].training.truth_probability(10**7) == 1.0


@pytest.mark.parametrize("task, changes", [("drums_2bar", {}), ("melody_2bar", {}), ("trio_16bar", {}),
                                           ("trio_16bar", LEVELS)])
def test_shared_features_fold_into_the_plain_matrices(task, changes):
    config, weights = make(task, **changes)
    extra = features.initial(config, weights, 0)
    folded = features.fold({**weights, **extra}, config)
    assert folded.keys() == weights.keys()
    drums = "decoder/drums" if changes else "decoder"
    last = 512 if task != "melody_2bar" else 130
    known = features.of_classes((last,))
    shared = extra[f"features/{drums}/0/input"][-known.shape[1]:]
    np.testing.assert_allclose(folded[f"{drums}/0/input"][-last:], weights[f"{drums}/0/input"][-last:] + known @ shared,
                               rtol=1e-4, atol=1e-5)
    shared = extra[f"features/{drums}/output/kernel"][:, -known.shape[1]:]
    np.testing.assert_allclose(folded[f"{drums}/output/kernel"][:, -last:],
                               weights[f"{drums}/output/kernel"][:, -last:] + shared @ known.T, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(folded["encoder/mean/kernel"], weights["encoder/mean/kernel"])
