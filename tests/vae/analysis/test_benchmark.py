"""The two forms of training a hierarchical decoder are one computation; and the command times both."""
import numpy as np
import tensorflow as tf
import yaml
from click.testing import CliRunner

from tests.vae.conftest import make, random_tokens
from vae.analysis import benchmark, commands
from vae.model import hierarchy
from vae.training import objective

LEVELS = {"conductor": [6], "segments": 4, "embedding": 5, "decoder": [7], "encoder": [6]}
TRAINING = {"steps": 10, "batch": 3, "scheduled_sampling": 1000}


def test_both_forms_have_the_same_loss_and_gradients():
    config, weights = make("trio_16bar", training=TRAINING, **LEVELS)
    weights = {name: tf.constant(value) for name, value in weights.items()}
    tokens = tf.constant(random_tokens(config, 3))
    noise = objective.noise(3, config.codec.steps, len(config.classes), config.latent, tf.constant([5, 0]))

    def gradients():
        return tf.function(lambda: objective.gradients(weights, config, tokens, noise, 0.2, 0.5))()

    together, metrics = gradients()
    original = hierarchy.teacher_forced, hierarchy.own_events
    with benchmark.segments_in_turn():
        assert (hierarchy.teacher_forced, hierarchy.own_events) == (benchmark.teacher_forced, benchmark.own_events)
        in_turn, same = gradients()
    assert (hierarchy.teacher_forced, hierarchy.own_events) == original
    np.testing.assert_allclose(same, metrics, rtol=1e-4)
    for name, value in together.items():
        assert np.abs(value).max() > 0, name
        np.testing.assert_allclose(in_turn[name], value, rtol=1e-3, atol=1e-4 * np.abs(value).max(), err_msg=name)


def test_the_command_prints_the_ratio(tmp_path):
    path = tmp_path / "levels.yaml"
    training = {"steps": 1, "shared_features": True}
    path.write_text(yaml.safe_dump({"task": "drums_2bar", "latent": 4, **LEVELS, "segments": 2, "training": training}))
    done = CliRunner().invoke(commands.benchmark, [str(path), "--rounds", "2", "--batch", "2"])
    assert done.exit_code == 0, done.output
    assert "2 examples a step" in done.output and "times as fast as one segment after the other" in done.output


def test_mistakes_are_named(tmp_path):
    path = tmp_path / "untrained.yaml"
    path.write_text(yaml.safe_dump({"task": "melody_32bar", "latent": 4, **LEVELS}))
    for config, message in (("melody_32bar_smal", "melody_32bar_small"), (str(path), "missing key 'training'")):
        done = CliRunner().invoke(commands.benchmark, [config])
        assert done.exit_code == 2 and message in done.output
