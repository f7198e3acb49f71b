"""Runs the tests of tests/max_host (node) against a real daemon: the built devices in a headless Max."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HOST = Path(__file__).parents[1] / "max_host"
NEEDS_DAEMON = ["generate", "morph", "network", "playing", "stories", "tools", "trio"]
NEEDS_PACKAGES = ["static", "pictures"]

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


def run(name: str, **environment: str) -> None:
    """One test file, its own report in the failure."""
    done = subprocess.run(["node", "--test", f"{name}.test.js"], cwd=HOST, capture_output=True, text=True, timeout=240,
                          check=False, env={**os.environ, **environment})
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


@pytest.mark.parametrize("name", ["pure", "host"])
def test_the_shared_functions_and_the_host_itself(name):
    run(name)


@pytest.mark.parametrize("name", NEEDS_PACKAGES)
@pytest.mark.skipif(not (HOST / "node_modules").is_dir(), reason="`npm ci` in tests/max_host installs what this needs")
def test_scripts_and_pictures(name):
    run(name)


@pytest.mark.parametrize("name", NEEDS_DAEMON)
def test_the_devices_against_the_daemon(name, daemon_port, tiny_models):
    run(name, MUSICVAE_TEST_PORT=str(daemon_port), MUSICVAE_TEST_MODELS=str(tiny_models),
        MUSICVAE_TEST_PYTHON=sys.executable)
