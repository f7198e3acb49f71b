"""Small models for the tests: the real architecture at a size that compiles and runs in seconds."""
import numpy as np
import pytest

from vae.config import parse
from vae.model import weights as model_weights

SMALL = {"latent": 6, "encoder": [7], "decoder": [8, 5]}
LEVELS = {"conductor": [6, 7], "segments": 16, "embedding": 5}
MODELS = [("drums_2bar", {}), ("melody_2bar", {}), ("melody_2bar", {"latent": 0, "encoder": []}), ("trio_16bar", {}),
          ("melody_32bar", LEVELS), ("trio_16bar", LEVELS)]  # (task, changes): flat, baseline, hierarchical


def make(task="drums_2bar", scale=3.0, seed=0, **changes):
    """(config, float32 weights): scaled up, so that logits differ enough for decisions to be stable."""
    config = parse({"task": task, **SMALL, **changes})
    values = {name: (value * scale).astype(np.float32) for name, value in model_weights.initial(config, seed, 0.3).items()}
    rng = np.random.default_rng(seed)
    for name, value in values.items():
        if name.endswith("bias"):
            values[name] = rng.normal(0, 0.3, value.shape).astype(np.float32)
    return config, values


def random_tokens(config, count, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(0, size, (count, config.codec.steps)) for size in config.classes], axis=-1).astype(np.int32)


@pytest.fixture(params=MODELS, ids=lambda model: model[0] + ("-levels" if "conductor" in model[1] else "") + (
    "-baseline" if "latent" in model[1] else ""))
def small(request):
    task, changes = request.param
    return make(task, **changes)
