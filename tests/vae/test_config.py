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


STAGED = {"task": "melody_32bar", "latent": 4, "encoder": [5], "decoder": [5], "conductor": [3], "segments": 16, "embedding": 2,
          "training": {"steps": 10, "batch": 8, "excerpt": 1, "decoders": ["melody_2bar_small"], "free_bits": 3},
          "then": [{"steps": 20, "excerpt": 4}, {"excerpt": 0, "batch": 2}]}


def test_a_stage_changes_what_it_names_and_keeps_the_rest():
    config = configs.parse(STAGED)
    stages = [stage.training for stage in config.stages]
    assert [(t.steps, t.batch, t.excerpt, t.free_bits) for t in stages] == [(10, 8, 1, 3), (20, 8, 4, 3), (20, 2, 0, 3)]
    assert [t.decoders for t in stages] == [("melody_2bar_small",), (), ()]  # only the first begins with other models'
    assert all(stage == config and not stage.then for stage in config.stages)
    assert configs.parse(config.as_dict()).as_dict() == config.as_dict()


@pytest.mark.parametrize("change, message", [
    ({"then": [{"excerpt": 3}]}, "then.excerpt: must be 0, or a divisor"), ({"then": [{"step": 3}]}, "unknown key 'step'"),
    ({"then": {"steps": 3}}, "then: must be a list of stages"), ({"then": [3]}, "then, stage 2: must be a mapping"),
    ({"training": {"steps": 3, "decoders": ["a", "b"]}, "then": []}, "training.decoders: must be as many models"),
])
def test_mistakes_in_stages_are_named(change, message):
    with pytest.raises(configs.ConfigError, match=message):
        configs.parse({**STAGED, **change})


@pytest.mark.parametrize("name", [path.stem for path in configs.CONFIGS.glob("*.yaml")])
def test_every_config_that_ships_is_one(name):
    assert configs.read(name).stages
