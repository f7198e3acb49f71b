"""Encoder and decoder against the naive implementation, and teacher forcing against step-by-step decoding."""
import numpy as np
import pytest
import tensorflow as tf

from tests.vae.conftest import LEVELS, make, random_tokens
from tests.vae.model import naive
from vae.model import decoder, vae

TOLERANCE = 2e-4  # float32 over 32 recurrent steps


@pytest.mark.parametrize("task, changes", [("drums_2bar", {}), ("melody_2bar", {"sigma": "softplus"}),
                                           ("drums_2bar", {"encoder": [7, 4]}), ("trio_16bar", {})])
def test_encoder_equals_the_naive_one(task, changes):
    config, weights = make(task, **changes)
    tokens = random_tokens(config, 2)
    mean, sigma = vae.posterior(weights, config, tf.constant(tokens))
    for row in range(2):
        expected_mean, expected_sigma = naive.encode(weights, config, tokens[row])
        np.testing.assert_allclose(mean[row], expected_mean, rtol=TOLERANCE, atol=TOLERANCE)
        np.testing.assert_allclose(sigma[row], expected_sigma, rtol=TOLERANCE * 10, atol=TOLERANCE)


def latents(config, count, seed):
    return np.random.default_rng(seed).standard_normal((count, config.latent)).astype(np.float32)


def test_teacher_forced_logits_equal_the_naive_ones(small):
    """The naive decoder goes step by step through the whole length; ours decodes all segments at once."""
    config, weights = small
    tokens, z = random_tokens(config, 2), latents(config, 2, 1)
    logits = tf.concat(vae.teacher_forced(weights, config, tf.constant(z), vae.previous(tf.constant(tokens))), axis=-1)
    for row in range(2):
        expected = naive.decode(weights, config, z[row], config.codec.steps, lambda t, _: tokens[row, t])
        np.testing.assert_allclose(logits[row], expected, rtol=TOLERANCE, atol=TOLERANCE)


def test_most_likely_rollout_equals_the_naive_one(small):
    config, weights = small
    steps, streams, z = config.codec.steps, len(config.classes), latents(config, 3, 2)
    drawn = vae.rollout(weights, config, tf.constant(z), tf.zeros([3]), tf.zeros([3, steps, streams])).numpy()
    for row in range(3):
        logits = naive.decode(weights, config, z[row], steps, lambda t, _: drawn[row, t])
        for stream, part in enumerate(np.split(logits, np.cumsum(config.classes)[:-1], axis=1)):
            best = part.max(axis=1)
            chosen = part[np.arange(steps), drawn[row, :, stream]]
            np.testing.assert_allclose(chosen, best, atol=TOLERANCE)  # the most likely, or its equal in float32


def test_drawn_rollout_equals_picking_from_the_naive_logits(small):
    config, weights = small
    steps, streams, z = config.codec.steps, len(config.classes), latents(config, 2, 4)
    uniform = np.random.default_rng(0).random((2, steps, streams), np.float32)
    drawn = vae.rollout(weights, config, tf.constant(z), tf.fill([2], 0.7), tf.constant(uniform)).numpy()
    same = 0
    for row in range(2):
        logits = naive.decode(weights, config, z[row], steps, lambda t, _: drawn[row, t]) / 0.7
        for stream, part in enumerate(np.split(logits, np.cumsum(config.classes)[:-1], axis=1)):
            cumulative = np.cumsum(np.exp(part - part.max(axis=1, keepdims=True)), axis=1)
            expected = (cumulative <= uniform[row, :, stream, None] * cumulative[:, -1:]).sum(axis=1)
            same += (expected == drawn[row, :, stream]).mean() / (2 * streams)
    assert same > 0.99  # float32 and float64 may part where a draw falls on an edge


def test_scheduled_sampling_feeds_the_truth_where_forced_and_its_own_draws_elsewhere(small):
    config, weights = small
    steps, streams = config.codec.steps, len(config.classes)
    tokens, z, rng = random_tokens(config, 2), latents(config, 2, 3), np.random.default_rng(3)
    forced = (rng.random((2, steps)) < 0.5) | vae.always_forced(config, steps)
    uniform = tf.constant(rng.random((2, steps, streams), np.float32))
    drawn = vae.own_events(weights, config, tf.constant(z), uniform, tf.constant(tokens), tf.constant(forced)).numpy()
    fed = np.where(forced[..., None], tokens, drawn)
    logits = vae.teacher_forced(weights, config, tf.constant(z), vae.previous(tf.constant(fed)))
    for stream, one in enumerate(logits):
        again = [decoder.pick(one[:, t], tf.ones([2]), uniform[:, t, stream]) for t in range(steps)]
        assert (drawn[..., stream] == np.stack(again, axis=1)).mean() > 0.99


def test_segments_share_nothing_but_the_event_before_them():
    config, weights = make("trio_16bar", **LEVELS)
    tokens, z = random_tokens(config, 1), tf.constant(latents(config, 1, 1))
    other = tokens.copy()
    other[:, 3:14] = (other[:, 3:14] + 1) % 100  # inside the first segment of 16 steps
    one, two = (tf.concat(vae.teacher_forced(weights, config, z, vae.previous(tf.constant(x))), -1).numpy()
                for x in (tokens, other))
    assert np.abs(one - two)[:, 4:15].max() > 0.01
    np.testing.assert_allclose(one[:, 16:], two[:, 16:], atol=1e-6)


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
