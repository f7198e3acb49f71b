"""Small untrained models, and a real daemon that serves them, for what talks to the daemon over its socket."""

import contextlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from bridge.soak.target import Target

MODELS = {"drums_test": "drums_2bar", "melody_test": "melody_2bar", "trio_test": "trio_16bar",
          "long_test": "melody_32bar"}


def write_models(folder: Path) -> None:
    """A model folder for each task, of the real architecture with few units and random weights."""
    from vae import config, registry
    from vae.model.weights import shapes

    random = np.random.default_rng(5)
    for name, task in MODELS.items():
        made = config.parse({"task": task, "encoder": [12], "decoder": [24], "latent": 8})
        weights = {key: random.normal(0, 0.4, shape).astype(np.float32) for key, shape in shapes(made).items()}
        registry.save(folder / name, name, made, weights, {})


def daemon(folder: Path, models: Iterable[str], *options: str) -> Target:
    """`serve` with these models of a folder only, and more options."""
    return Target("--folders", str(folder), *(word for name in models for word in ("--models", name)), *options)


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    write_models(folder)
    return folder


@pytest.fixture
def serve(tiny_models):
    """A function that starts a daemon of the test's own with one model and options of `serve`, and returns its port."""
    with contextlib.ExitStack() as started:
        def start(model: str, *options: str) -> int:
            target = started.enter_context(daemon(tiny_models, [model], *options))
            target.wait_ready()
            return target.port
        yield start


@pytest.fixture(scope="session")
def daemon_port(tiny_models) -> int:
    """Port of a running daemon with the small models."""
    with daemon(tiny_models, MODELS) as target:
        target.wait_ready()
        yield target.port
