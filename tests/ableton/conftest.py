"""Small untrained models, and a real daemon that serves them, for what talks to the daemon over its socket."""

import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
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


def start_daemon(folder: Path, models: Iterable[str], *options: str) -> tuple[subprocess.Popen, int]:
    """`cli.py serve` with these models of a folder only, and more options, once it says that it is ready. Returns the process and its port."""
    names = [word for name in models for word in ("--models", name)]
    command = [sys.executable, str(ROOT / "cli.py"), "serve", "--port", "0", "--folders", str(folder), *names,
               *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT)
    printed, end = "", time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        if select.select([process.stdout], [], [], 0.2)[0]:
            printed += os.read(process.stdout.fileno(), 65536).decode()
            found = re.search(r":(\d{4,5})\b", printed)
            if found and "Ready." in printed:
                return process, int(found[1])
    process.kill()
    raise RuntimeError(f"the daemon did not start:\n{printed}")


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    write_models(folder)
    return folder


@pytest.fixture
def serve(tiny_models):
    """A function that starts a daemon of the test's own with one model and options of `serve`, and returns its port."""
    started = []

    def start(model: str, *options: str) -> int:
        process, port = start_daemon(tiny_models, [model], *options)
        started.append(process)
        return port
    yield start
    for process in started:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="session")
def daemon_port(tiny_models) -> int:
    """Port of a running daemon with the small models."""
    process, port = start_daemon(tiny_models, MODELS)
    yield port
    process.terminate()
    process.wait(10)
