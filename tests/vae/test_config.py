"""Configs from files: what cannot be trained by is named."""
import pytest
import yaml

from vae import config as configs

CONFIG = {"task": "drums_2bar", "latent": 3, "encoder": [4], "decoder": [5]}


@pytest.mark.parametrize("key", ["learning_rate", "beta"])
@pytest.mark.parametrize("end", ["start", "end"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
def test_schedules_are_finite_and_not_negative(key, end, value):
    schedule = {"start": 0.1, "end": 0.1, end: value}
    with pytest.raises(configs.ConfigError, match=rf"training.{key}.{end}: must be 0 or more, and finite. Received: {value}"):
        configs.parse({**CONFIG, "training": {"steps": 1, key: schedule}})


@pytest.mark.parametrize("key, value", [("clip_norm", float("inf")), ("free_bits", float("nan")), ("seed", -1),
                                        ("seed", 2**31), ("input_scale", 10**400)])
def test_figures_that_cannot_be_trained_by_are_named(key, value):
    with pytest.raises(configs.ConfigError, match=f"training.{key}: must be"):
        configs.parse({**CONFIG, "training": {"steps": 1, key: value}})


@pytest.mark.parametrize("change, excerpt", [({}, 1), ({"task": "trio_16bar", "conductor": [4], "segments": 16,
                                                        "embedding": 2}, 3), ({}, -1)])
def test_excerpts_are_of_a_hierarchical_models_segments(change, excerpt):
    with pytest.raises(configs.ConfigError, match=f"excerpt: must be .*0.*Received: {excerpt}"):
        configs.parse({**CONFIG, **change, "training": {"steps": 1, "excerpt": excerpt}})


def test_a_folder_of_a_configs_name_does_not_hide_the_config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "drums_2bar_small").mkdir()
    assert configs.read("drums_2bar_small").task == "drums_2bar"
    (tmp_path / "melody_2bar_small").write_text(yaml.safe_dump(CONFIG))
    assert configs.read("melody_2bar_small").task == "drums_2bar"


@pytest.mark.parametrize("content", [b"a: [", b"\xff", b"[" * 5000, b"a: " + b"1" * 5000, b"a: 2021-13-45"], ids=range(5))
def test_what_is_no_yaml_is_named(tmp_path, content):
    (tmp_path / "config.yaml").write_bytes(content)
    with pytest.raises(configs.ConfigError, match="config.yaml: not YAML"):
        configs.read(str(tmp_path / "config.yaml"))
