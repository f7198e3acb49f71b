"""A data set, a tiny config and the command line within the tests' own process, where nothing needs compiling."""
import shutil

import numpy as np
import pytest
import tensorflow as tf
import yaml
from click.testing import CliRunner

from cli import main
from tests.vae.data_sets import write_data_set

TINY = {"task": "drums_2bar", "latent": 3, "encoder": [4], "decoder": [5],
        "training": {"steps": 2, "batch": 4, "beta": {"start": 0.1, "end": 0.1}, "shared_features": True,
                     "learning_rate": {"start": 0.05, "end": 0.05}}}


@pytest.fixture
def uncompiled():
    """The same computations without XLA, whose compiling would take longer than their few steps."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="session")
def trained_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    tf.config.run_functions_eagerly(True)
    run("train", make_config(folder / "tiny.yaml"), "--data", make_data(folder / "drums"), "--out", folder / "run",
        "--save-every", 1)
    tf.config.run_functions_eagerly(False)
    return folder / "run"


@pytest.fixture
def trained(tmp_path, trained_once):
    """A run of two steps, of `config` and `data`."""
    return shutil.copytree(trained_once, tmp_path / "run")


@pytest.fixture
def data(tmp_path):
    return make_data(tmp_path / "drums")


@pytest.fixture
def config(tmp_path):
    return make_config(tmp_path / "tiny.yaml")


def make_data(folder, train=20, test=6):
    loops = np.random.default_rng(train).integers(0, 4, (train, 32, 1))
    return write_data_set(folder, "drums_2bar", train=loops, validation=loops[:5], test=loops[:test])


def make_config(path, training=(), **changes):
    path.write_text(yaml.safe_dump({**TINY, **changes, "training": {**TINY["training"], **dict(training)}}))
    return path


def run(*words, code=0):
    """What a command prints, which ended with `code`: well, unless told."""
    done = CliRunner().invoke(main, [*map(str, words)], env={"COLUMNS": "80"})
    assert done.exit_code == code, done.output
    return done.output


def refused(*words):
    """What a command that ended with a message, and no traceback, says, in one line."""
    done = CliRunner().invoke(main, [*map(str, words)])
    assert done.exit_code == 2, (done.output, done.exception)
    return " ".join(done.output.split())
