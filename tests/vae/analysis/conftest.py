"""A tiny model of each kind, as the commands find them on disk."""
import pytest

from tests.vae.conftest import LEVELS, make
from vae import registry


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """Task to the folder of a model that writes differing but not random music."""
    folder, made = tmp_path_factory.mktemp("models"), {}
    for task, changes in (("drums_2bar", {}), ("melody_2bar", {}), ("trio_16bar", {**LEVELS, "decoder": [8]})):
        config, weights = make(task, **changes)
        registry.save(folder / task, f"tiny_{task}", config, weights, {})
        made[task] = folder / task
    return made
