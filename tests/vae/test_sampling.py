"""Sampling: seeds belong to examples, batches do not matter, slerp keeps to its arc."""
import numpy as np
import pytest
import tensorflow as tf

from tests.vae.conftest import make, random_tokens
from vae import sampling
from vae.registry import Model, save


@pytest.fixture(scope="module")
def sampler(tmp_path_factory):
    config, weights = make("melody_2bar", latent=16, encoder=[24], decoder=[32, 32])
    info = save(tmp_path_factory.mktemp("models") / "tiny", "tiny", config, weights, {})
    return sampling.Sampler(Model(info, {name: tf.constant(value) for name, value in weights.items()}, "CPU:0"))


def test_a_row_does_not_depend_on_its_neighbours_or_its_place(sampler):
    count = 2 * sampling.BATCH + 3
    z = sampler.prior(7, range(count))
    temperatures = np.linspace(0, 4, count)
    together = sampler.decode(z, temperatures, [7] * count, range(count))
    order = np.random.default_rng(0).permutation(count)
    shuffled = sampler.decode(z[order], temperatures[order], [7] * count, order.tolist())
    np.testing.assert_array_equal(shuffled, together[order])
    for row in (0, 5, count - 1):
        np.testing.assert_array_equal(sampler.decode(z[row:row + 1], temperatures[row:row + 1], [7], [row])[0], together[row])


def test_encoding_does_not_depend_on_the_batch(sampler):
    tokens = random_tokens(sampler.model.config, sampling.BATCH + 1)
    together = sampler.encode(tokens)
    for row in (0, 3, sampling.BATCH):
        np.testing.assert_array_equal(sampler.encode(tokens[row:row + 1])[0], together[row])


def test_seed_and_index_choose_the_draw(sampler):
    z = np.repeat(sampler.prior(1, [0]), 3, axis=0)
    same, index, seed = sampler.decode(z, [2.0] * 3, [1, 1, 2], [0, 1, 0])
    assert not np.array_equal(same, index) and not np.array_equal(same, seed)
    np.testing.assert_array_equal(sampler.decode(z[:1], [2.0], [1], [0])[0], same)
    np.testing.assert_array_equal(sampler.prior(5, [3, 4]), sampler.prior(5, [0, 1, 2, 3, 4])[3:])


def test_temperature_0_needs_no_seed(sampler):
    z = np.repeat(sampler.prior(1, [0]), 2, axis=0)
    one, other = sampler.decode(z, [0.0, 0.0], [1, 99], [0, 5])
    np.testing.assert_array_equal(one, other)


def test_a_bias_forbids_classes(sampler):
    bias = np.full((4, 130), -1e9, np.float32)
    bias[:, [60, 128]] = 0.0
    tokens = sampler.decode(sampler.prior(1, range(4)), [4.0] * 4, [1] * 4, range(4), [bias])
    assert set(np.unique(tokens)) <= {60, 128}


def test_draws_of_the_prior_are_standard_normal():
    z = sampling.prior(256, 3, range(400))
    assert abs(z.mean()) < 0.01 and abs(z.std() - 1.0) < 0.01
    assert abs(np.corrcoef(z[:, 0], z[:, 1])[0, 1]) < 0.2


def test_slerp_ends_at_its_ends_and_keeps_the_length_of_equal_ends():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 64)).astype(np.float32)
    b *= np.linalg.norm(a) / np.linalg.norm(b)
    way = sampling.interpolate(a, b, 9)
    np.testing.assert_allclose(way[[0, -1]], [a, b], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(way, axis=1), np.linalg.norm(a), rtol=1e-5)
    steps = [np.arccos(np.clip(x @ y / np.linalg.norm(x) / np.linalg.norm(y), -1, 1)) for x, y in zip(way, way[1:])]
    np.testing.assert_allclose(steps, steps[0], rtol=1e-3)


@pytest.mark.parametrize("a, b", [([1.0, 0.0], [2.0, 0.0]), ([0.0, 0.0], [1.0, 1.0]), ([1.0, 1.0], [1.0, 1.0])])
def test_slerp_of_points_without_an_arc_is_a_line(a, b):
    np.testing.assert_allclose(sampling.slerp(np.array(a), np.array(b), 0.25), 0.75 * np.array(a) + 0.25 * np.array(b), atol=1e-6)


def test_variations_go_from_near_to_far_and_do_not_depend_on_the_count():
    z = sampling.prior(256, 1, [0])[0]
    varied = sampling.vary(z, 0.8, 5, range(6))
    np.testing.assert_array_equal(sampling.vary(z, 0.8, 5, range(3)), varied[:3])
    distances = np.linalg.norm(varied - z, axis=1)
    assert (np.diff(distances[:4]) > 0).all()  # later ones differ less than draws do in length
    np.testing.assert_allclose(sampling.vary(z, 0.0, 5, range(2)), [z, z], atol=1e-5)


def test_grid_has_its_corners_where_the_protocol_puts_them():
    a, b, c, d = sampling.prior(32, 1, range(4))
    cells = sampling.grid([a, b, c, d], columns=4, rows=3).reshape(3, 4, 32)
    for cell, corner in ((cells[0, 0], a), (cells[0, -1], b), (cells[-1, 0], c), (cells[-1, -1], d)):
        np.testing.assert_allclose(cell, corner, atol=1e-5)
    two = sampling.grid([a, b], columns=4, rows=2).reshape(2, 4, 32)
    np.testing.assert_allclose(two[0], two[1], atol=1e-5)
    np.testing.assert_allclose(two[0], sampling.interpolate(a, b, 4), atol=1e-5)
    with pytest.raises(ValueError, match="2 or 4. Received: 3"):
        sampling.grid([a, b, c], 2, 2)
