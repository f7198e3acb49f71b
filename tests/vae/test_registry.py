"""Model folders: what is written is read back, and every kind of fault is found and named."""
import hashlib
import io
import os

import numpy as np
import pytest
import yaml

from tests.vae.conftest import make
from vae import registry
from vae.outputs import in_place_of
from vae.model import weights as model_weights


@pytest.fixture
def folder(tmp_path):
    config, weights = make("drums_2bar", latent=4, encoder=[5], decoder=[6])
    registry.save(tmp_path / "tiny", "tiny", config, weights, {"steps": 3})
    return tmp_path / "tiny"


def rewrite(folder, change):
    """Change the arrays and give model.yaml the checksum of what is there then."""
    with np.load(folder / "weights.npz") as file:
        arrays = {name: file[name] for name in file.files}
    stored = io.BytesIO()
    np.savez(stored, **change(arrays))
    (folder / "weights.npz").write_bytes(stored.getvalue())
    about = yaml.safe_load((folder / "model.yaml").read_text())
    about["sha256"] = hashlib.sha256(stored.getvalue()).hexdigest()
    (folder / "model.yaml").write_text(yaml.safe_dump(about))


def test_a_saved_model_is_found_described_and_loaded(folder):
    info = registry.find_models([folder.parent])["tiny"]
    config, weights = make("drums_2bar", latent=4, encoder=[5], decoder=[6])
    assert (info.task, info.bars, info.latent, info.config) == ("drums_2bar", 2, 4, config)
    assert info.parameters == sum(value.size for value in weights.values())
    loaded = registry.load("tiny", [folder.parent])
    assert loaded.device in ("CPU:0", "GPU:0")
    assert {name: tuple(value.shape) for name, value in loaded.weights.items()} == model_weights.shapes(config)
    for name, value in loaded.weights.items():
        np.testing.assert_allclose(value, weights[name], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("break_it, message", [
    (lambda f: (f / "weights.npz").unlink(), "cannot be read"),
    (lambda f: (f / "weights.npz").write_bytes((f / "weights.npz").read_bytes()[:-100]), "wrong checksum"),
    (lambda f: rewrite(f, lambda a: {**a, "decoder/0/bias": a["decoder/0/bias"] * np.nan}), "decoder/0/bias holds values that are not finite"),
    (lambda f: rewrite(f, lambda a: {**a, "decoder/0/bias": a["decoder/0/bias"][1:]}), r"decoder/0/bias must have shape \(24,\). Received: \(23,\)"),
    (lambda f: rewrite(f, lambda a: {k: v for k, v in a.items() if k != "decoder/0/bias"}), "decoder/0/bias is missing"),
    (lambda f: rewrite(f, lambda a: {**a, "decoder/9/bias": np.zeros(3)}), "decoder/9/bias is no weight of this model"),
    (lambda f: rewrite(f, lambda a: {**a, "decoder/0/bias": np.array([{}], object)}), "not a weights file"),
    (lambda f: (f / "model.yaml").write_text("name: ["), "not YAML"),
    (lambda f: (f / "model.yaml").write_text("name: x"), "lacks 'config'"),
    (lambda f: (f / "model.yaml").write_text(""), "must hold name, config and sha256. Received: nothing"),
    (lambda f: (f / "model.yaml").write_text("- name"), r"must hold name, config and sha256. Received: \['name'\]"),
    (lambda f: (f / "model.yaml").write_text("name: x\nsha256: y\nconfig: {task: drums, decoder: [3]}"), "task"),
])
def test_broken_folders_say_what_is_broken(folder, break_it, message):
    break_it(folder)
    with pytest.raises(registry.ModelError, match=message):
        registry.load(folder)


@pytest.mark.parametrize("text", [
    "name: 2021-13-45",  # no such day
    "[" * 5000,
    "x: !!float abc",
    "x: !!timestamp abc",
    "a: &a [*a]",
    "- name",
    "5",
    "",
    "{name: 2021-03-04, sha256: y, config: {task: drums_2bar, decoder: [3]}}",
    "{name: [a], sha256: y, config: {task: drums_2bar, decoder: [3]}}",
    "{name: a, sha256: y, config: {task: drums_2bar, decoder: [3], training: {steps: 1, learning_rate: {start: 1"
    + "0" * 400 + ", end: 1.0}}}}",
    b"name: \xff",
], ids=range(12))
def test_whatever_model_yaml_holds_only_model_errors_come_out(folder, text):
    (folder / "model.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(registry.ModelError, match="model.yaml"):
        registry.describe(folder)
    assert registry.find_models([folder.parent]).keys() == registry.find_models().keys()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(folder):
    (folder / "model.yaml").unlink()
    os.mkfifo(folder / "model.yaml")
    with pytest.raises(registry.ModelError, match="model.yaml is a pipe"):
        registry.describe(folder)
    assert registry.find_models([folder.parent]).keys() == registry.find_models().keys()


def test_an_unknown_name_gets_the_nearest(folder):
    with pytest.raises(registry.ModelError, match="did you mean 'tiny'"):
        registry.resolve("tinny", [folder.parent])


def test_fine_tuning_needs_the_same_shapes(folder):
    config, _ = make("drums_2bar", latent=4, encoder=[5], decoder=[7])
    with pytest.raises(registry.ModelError, match="must have shape"):
        registry.starting_weights(registry.describe(folder), config)


def test_a_new_version_takes_the_place_of_the_old_one_whole_or_not_at_all(folder):
    config, weights = make("drums_2bar", seed=2, latent=4, encoder=[5], decoder=[6])
    old = registry.describe(folder).sha256
    with pytest.raises(KeyError), in_place_of(folder) as fresh:
        registry.save(fresh, "tiny", config, weights, {})
        raise KeyError
    assert registry.load(folder).info.sha256 == old
    with in_place_of(folder) as fresh:
        registry.save(fresh, "tiny", config, weights, {})
        assert registry.find_models([folder.parent])["tiny"].sha256 == old  # nobody finds it before its time
    assert old != registry.load(folder).info.sha256 == registry.find_models([folder.parent])["tiny"].sha256
    with in_place_of(folder.parent / "new") as fresh:
        registry.save(fresh, "new", config, weights, {})
    assert sorted(path.name for path in folder.parent.iterdir()) == ["new", "tiny"]


def test_a_model_that_is_replaced_while_it_is_read_is_read_again(folder, monkeypatch):
    config, weights = make("drums_2bar", seed=2, latent=4, encoder=[5], decoder=[6])
    resolve = registry.resolve

    def then_replace(*arguments):
        info = resolve(*arguments)
        with in_place_of(folder) as fresh:
            registry.save(fresh, "tiny", config, weights, {})
        return info

    monkeypatch.setattr(registry, "resolve", then_replace)
    loaded = registry.load(folder)
    np.testing.assert_allclose(loaded.weights["decoder/0/bias"], weights["decoder/0/bias"], rtol=1e-3, atol=1e-3)
    assert loaded.info == registry.describe(folder)
