"""A tiny model of each kind and data sets for it, as the commands find them on disk."""
import numpy as np
import pytest
import yaml

from tests.vae.conftest import LEVELS, make
from vae import registry


def write_data(folder, task, **splits):
    """A data set folder as `dataset build` leaves it; splits: examples of train, validation and test."""
    folder.mkdir(parents=True)
    for name, examples in splits.items():
        np.save(folder / f"{name}.npy", np.asarray(examples, np.uint16))
    counts = {name: len(examples) for name, examples in splits.items()}
    (folder / "meta.yaml").write_text(yaml.safe_dump({"task": task, "examples": counts, "sources": []}))
    return folder


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """Task to the folder of a model that writes differing but not random music."""
    folder, made = tmp_path_factory.mktemp("models"), {}
    for task, changes in (("drums_2bar", {}), ("melody_2bar", {}), ("trio_16bar", {**LEVELS, "decoder": [8]})):
        config, weights = make(task, **changes)
        registry.save(folder / task, f"tiny_{task}", config, weights, {}, dtype=np.float32)
        made[task] = folder / task
    return made
