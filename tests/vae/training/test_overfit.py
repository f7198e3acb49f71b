"""A model that cannot learn 64 examples by heart has a fault somewhere between its gradients and its decoder."""
import numpy as np
import pytest

from tests.vae.conftest import make
from vae.training.loop import Trainer


@pytest.mark.parametrize("task, steps", [("drums_2bar", 350), ("melody_2bar", 220)])
def test_64_examples_are_learnt_to_over_99_percent_reconstruction(tmp_path, task, steps):
    training = {"steps": steps, "batch": 64, "learning_rate": {"start": 0.01, "end": 0.001, "decay": 0.995}, "warmup": 20,
                "beta": {"start": 0.0, "end": 0.0}, "shared_features": True, "input_scale": 0.3, "clip_norm": 5}
    config, _ = make(task, latent=64, encoder=[64], decoder=[96], training=training)
    rng = np.random.default_rng(0)
    loops = rng.choice([0, 1, 2, 4, 5, 6, 256] if task == "drums_2bar" else [60, 62, 64, 67, 128, 129], (64, 8, 1))
    examples = np.repeat(loops, 4, axis=1).astype(np.uint16)
    trainer = Trainer(config, [examples], [1.0], examples, tmp_path, {"config": {}}, save_every=steps)
    figures = {}
    assert trainer.run(figures.update)
    assert figures["validation"].reconstruction[0] > 0.99
