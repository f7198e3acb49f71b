"""Encoder and decoder against the naive implementation, and teacher forcing against step-by-step decoding."""
import numpy as np
import pytest
import tensorflow as tf

from tests.vae.conftest import make, random_tokens
from tests.vae.model import naive
from vae.model import decoder, vae

TOLERANCE = 2e-4  # float32 over 32 recurrent steps


@pytest.mark.parametrize("changes", [{}, {"sigma": "softplus"}, {"encoder": [7, 4]}])
def test_encoder_equals_the_naive_one(small, changes):
    config, weights = make(small[0].task, **changes)
    tokens = random_tokens(config, 2)
    mean, sigma = vae.posterior(weights, config, tf.constant(tokens))
    for row in range(2):
        expected_mean, expected_sigma = naive.encode(weights, config, tokens[row])
        np.testing.assert_allclose(mean[row], expected_mean, rtol=TOLERANCE, atol=TOLERANCE)
        np.testing.assert_allclose(sigma[row], expected_sigma, rtol=TOLERANCE * 10, atol=TOLERANCE)


@pytest.mark.parametrize("changes", [{}, {"latent": 0, "encoder": []}])
def test_teacher_forced_logits_equal_the_naive_ones(small, changes):
    config, weights = make(small[0].task, **changes)
    tokens = random_tokens(config, 2)
    z = np.random.default_rng(1).standard_normal((2, config.latent)).astype(np.float32)
    logits = tf.concat(vae.teacher_forced(weights, config, tf.constant(z), vae.previous(tf.constant(tokens))), axis=-1)
    for row in range(2):
        expected = naive.decode(weights, config, z[row], config.codec.steps, lambda t, _: tokens[row, t])
        np.testing.assert_allclose(logits[row], expected, rtol=TOLERANCE, atol=TOLERANCE)


def test_most_likely_rollout_equals_the_naive_one(small):
    config, weights = small
    z = np.random.default_rng(2).standard_normal((3, config.latent)).astype(np.float32)
    steps = config.codec.steps
    drawn = vae.rollout(weights, config, tf.constant(z), tf.zeros([3]), tf.zeros([3, steps, 1])).numpy()
    for row in range(3):
        events = []
        most_likely = naive.choose_most_likely(config.classes)
        naive.decode(weights, config, z[row], steps, lambda t, logits: events.append(most_likely(t, logits)) or events[-1])
        np.testing.assert_array_equal(drawn[row], events)


def test_scheduled_sampling_feeds_the_truth_where_forced_and_its_own_draws_elsewhere(small):
    config, weights = small
    steps = config.codec.steps
    tokens = random_tokens(config, 2)
    rng = np.random.default_rng(3)
    z = rng.standard_normal((2, config.latent)).astype(np.float32)
    forced = rng.random((2, steps)) < 0.5
    drawn = vae.rollout(weights, config, tf.constant(z), tf.zeros([2]), tf.zeros([2, steps, 1]),
                        truth=tf.constant(tokens), forced=tf.constant(forced)).numpy()
    fed = np.where(forced[..., None], tokens, drawn)
    logits = vae.teacher_forced(weights, config, tf.constant(z), vae.previous(tf.constant(fed)))[0]
    np.testing.assert_array_equal(drawn[..., 0], tf.argmax(logits, axis=-1))


def test_pick_draws_by_the_tempered_distribution():
    logits = np.log([[0.1, 0.2, 0.3, 0.4]]).astype(np.float32)
    uniform = (np.arange(2000, dtype=np.float32) + 0.5) / 2000
    for temperature in (1.0, 0.5, 2.0):
        drawn = decoder.pick(tf.constant(np.repeat(logits, 2000, axis=0)), tf.fill([2000], temperature), tf.constant(uniform))
        expected = np.exp(logits[0] / temperature)
        np.testing.assert_allclose(np.bincount(drawn, minlength=4) / 2000, expected / expected.sum(), atol=2e-3)


def test_pick_at_temperature_0_takes_the_most_likely_and_never_a_forbidden_class():
    logits = tf.constant([[0.0, 5.0, -1e9], [-1e9, -1e9, 3.0]])
    np.testing.assert_array_equal(decoder.pick(logits, tf.zeros([2]), tf.constant([0.9, 0.0])), [1, 2])
    edges = tf.constant([0.0, np.nextafter(np.float32(1), np.float32(0))])
    for row, allowed in ((0, {0, 1}), (1, {2})):
        drawn = decoder.pick(tf.repeat(logits[row:row + 1], 2, axis=0), tf.fill([2], 4.0), edges)
        assert set(drawn.numpy()) <= allowed


def test_divergence_is_the_textbook_value():
    # KL(N(1, 2) || N(0, 1)) = (1 + 4 - 1) / 2 - ln 2
    np.testing.assert_allclose(vae.divergence(tf.constant([[1.0, 0.0]]), tf.constant([[2.0, 1.0]])), [2.0 - np.log(2.0)], rtol=1e-6)
