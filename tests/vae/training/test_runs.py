"""Run folders: what they go on with, what they refuse, and that nothing broken is ever saved in them."""
import json
import os
import shutil
import signal

import numpy as np
import pytest
import yaml

from tests.vae.data_sets import write_data_set
from tests.vae.training.conftest import make_config, make_data, refused, run
from vae import registry
from vae.codecs import canonical_melody
from vae.model import weights
from vae.training import checkpoint, loop

pytestmark = pytest.mark.usefixtures("uncompiled")


def about(path):
    return checkpoint.load(path / "checkpoint.npz", loop.state_shapes)[2]


def rewrite(path, change):
    """Save a checkpoint again with its plain values changed."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    values = json.loads(arrays.pop(checkpoint.ABOUT).tobytes())
    change(values)
    checkpoint.save(path, arrays, values)


def test_a_training_that_diverges_says_what_to_do_and_saves_nothing_broken(tmp_path, data):
    config = make_config(tmp_path / "wild.yaml", {"steps": 9, "learning_rate": {"start": 0.0, "end": 1e38, "decay": 0.5}})
    words = ["train", config, "--data", data, "--out", tmp_path / "run", "--save-every", 1]
    for _ in range(2):  # the second goes on from what the first saved
        said = refused(*words)
        assert "diverged" in said and "another folder, with a lower learning_rate" in said and "export" in said
    step = about(tmp_path / "run")["step"]  # raises if anything is not finite
    assert 1 <= step < 9
    checkpoint.load(tmp_path / "run" / "best.npz", weights.shapes)
    assert "nan" not in (tmp_path / "run" / "history.csv").read_text()
    assert "diverged" in refused(*words[:-1], 100)  # between two checkpoints, too
    assert about(tmp_path / "run")["step"] == step


def test_a_checkpoint_that_is_not_finite_is_refused(tmp_path, data, config, trained):
    with np.load(trained / "checkpoint.npz") as file:
        arrays = {name: file[name] for name in file.files}
    arrays["first|decoder/0/bias"] = arrays["first|decoder/0/bias"] * np.nan
    np.savez(trained / "checkpoint.npz", **arrays)
    assert "first|decoder/0/bias holds values that are not finite" in refused(
        "train", config, "--data", data, "--out", trained, "--steps", 3)


def test_a_run_goes_on_with_its_own_data_wherever_they_lie(tmp_path, data, config, trained):
    other = make_data(tmp_path / "other", train=21)
    words = ["train", config, "--out", trained, "--steps", 3]
    said = refused(*words, "--data", other)
    assert "on other data (20 examples of 0 sources, weight 1) than the given (21 examples" in said
    assert "other data" in refused(*words, "--data", data, "--data", other)
    data.rename(tmp_path / "moved")
    assert "Trained 3 steps" in run(*words, "--data", f"{tmp_path / 'moved'}=7")  # all of it, at any weight


def test_the_weights_of_a_mixture_stay(tmp_path, data, config):
    other = make_data(tmp_path / "other", train=21)
    words = ["train", config, "--out", tmp_path / "run", "--data", data]
    run(*words, "--data", f"{other}=3")
    assert "weight 1; 21 examples of 0 sources, weight 4" in refused(*words, "--data", f"{other}=4", "--steps", 3)
    run(*words[:-1], f"{data}=2", "--data", f"{other}=6", "--steps", 3)


def test_a_validation_that_was_interrupted_is_made_up_for(tmp_path, data, config, trained, monkeypatch):
    words = ["train", config, "--data", data, "--out", tmp_path / "broken", "--save-every", 1]
    score, calls = loop.Evaluator.__call__, []

    def interrupted(*args):
        calls.append(args)
        if len(calls) == 2:  # the first of a validation's two scores is done
            os.kill(os.getpid(), signal.SIGINT)
        return score(*args)

    monkeypatch.setattr(loop.Evaluator, "__call__", interrupted)
    assert "Interrupted at step 1" in run(*words, code=130)
    assert not (tmp_path / "broken" / "history.csv").exists() and about(tmp_path / "broken")["step"] == 1
    run(*words)
    assert (tmp_path / "broken" / "history.csv").read_text() == (trained / "history.csv").read_text()
    best = [checkpoint.load(folder / "best.npz", weights.shapes)[2] for folder in (trained, tmp_path / "broken")]
    assert best[0]["step"] == best[1]["step"] and best[0]["best"] == best[1]["best"]


SIZES = {"task": "melody_2bar", "conductor": [3], "segments": 4, "embedding": 2}


@pytest.fixture
def pieces(tmp_path):
    tunes = canonical_melody(np.random.default_rng(0).integers(60, 64, (9, 32)))[..., None]
    return write_data_set(tmp_path / "pieces", "melody_2bar", train=tunes, validation=tunes[:3], test=tunes[:3])


@pytest.fixture
def staged(tmp_path, pieces):
    """The words of a training in three stages: of half a bar, of a bar, and of whole pieces."""
    config = make_config(tmp_path / "staged.yaml", {"excerpt": 1, "steps": 3}, **SIZES,
                         then=[{"excerpt": 2, "steps": 2, "batch": 3}, {"excerpt": 0, "steps": 4}])
    return "train", config, "--data", pieces, "--save-every", 1, "--out", tmp_path / "staged"


def test_a_training_in_stages_is_one_run(tmp_path, staged, monkeypatch):
    """Interrupted in its second stage it ends as one that was not; each stage begins with the best weights before it."""
    whole = run(*staged)
    assert "Trained 9 steps" in whole and "stage 3 of 3" in whole
    stored = checkpoint.load(checkpoint.stage_folder(tmp_path / "staged", 2) / "best.npz", weights.shapes)[1]
    assert (stored.segments, stored.training.excerpt, stored.trained.segments) == (4, 2, 2)
    run("export", tmp_path / "staged", "--name", "whole", "--to", tmp_path / "models")
    info = registry.describe(tmp_path / "models" / "whole")
    assert info.config.training.excerpt == 0 and info.figures["examples_seen"] <= 3 * 4 + 2 * 3 + 4 * 3
    assert "Its 3 stages, each from" in info.card.read_text() and len(info.commands) == 3

    train = loop.Trainer.run

    def interrupted(trainer, report):
        if trainer.config.training.excerpt == 2 and trainer.step == 0:
            trainer.config.training.__dict__["steps"] = 1  # the end of a process after one of its two steps
            train(trainer, report)
            return False
        return train(trainer, report)

    again = [*staged[:-1], tmp_path / "again"]
    monkeypatch.setattr(loop.Trainer, "run", interrupted)
    assert "Interrupted at step 1 of stage 2" in run(*again, code=130)
    monkeypatch.undo()
    run(*again)
    for number in (1, 2, 3):
        folders = [checkpoint.stage_folder(tmp_path / name, number) for name in ("staged", "again")]
        ends = [checkpoint.load(folder / "checkpoint.npz", loop.state_shapes)[0] for folder in folders]
        assert all(np.array_equal(ends[0][name], ends[1][name]) for name in ends[0]), number
    assert "nothing to train" in run(*again)


def test_the_steps_of_a_training_in_stages_are_of_all_together(tmp_path, staged):
    assert "Trained 4 steps" in run(*staged, "--steps", 4)
    assert [about(checkpoint.stage_folder(tmp_path / "staged", number))["step"] for number in (1, 2)] == [3, 1]
    assert not checkpoint.stage_folder(tmp_path / "staged", 3).exists()
    run("export", tmp_path / "staged", "--name", "early", "--to", tmp_path)  # of the second stage
    assert registry.describe(tmp_path / "early").config.training.excerpt == 2
    run(*staged, "--steps", 11)
    assert [about(checkpoint.stage_folder(tmp_path / "staged", number))["step"] for number in (1, 2, 3)] == [3, 2, 6]


def test_decoders_begin_as_those_of_other_models(tmp_path, pieces, data, config, trained, monkeypatch):
    run("train", make_config(tmp_path / "flat.yaml", task="melody_2bar"), "--data", pieces, "--out", tmp_path / "flat")
    donors = {"melody": tmp_path / "flat", "drums": trained}
    for name, source in donors.items():
        run("export", source, "--name", name, "--to", tmp_path / "models")
    models = [str(tmp_path / "models" / name) for name in ("melody", "melody", "drums")]
    trio = make_config(tmp_path / "trio.yaml", {"decoders": models}, **SIZES | {"task": "trio_16bar", "embedding": 3})
    bars = np.zeros((3, 256, 3))
    trios = write_data_set(tmp_path / "trios", "trio_16bar", train=bars, validation=bars, test=bars)
    begun = {}
    monkeypatch.setattr(loop.Trainer, "run", lambda trainer, report: begun.update(trainer.weights()) or True)
    run("train", trio, "--data", trios, "--out", tmp_path / "trio")
    for part, name in (("lead", "melody"), ("bass", "melody"), ("drums", "drums")):
        for weight, value in registry.load(tmp_path / "models" / name).weights.items():
            if weight.startswith("decoder/"):  # the shared features that are trained beside them add nothing at first
                np.testing.assert_allclose(begun[weight.replace("decoder", f"decoder/{part}", 1)], value, atol=1e-6)

    misfit = make_config(tmp_path / "misfit.yaml", {"decoders": models[:1]}, **SIZES)
    told = refused("train", misfit, "--data", pieces, "--out", tmp_path / "out")
    assert "decoders: melody" in told and "must have shape" in told, told
    absent = make_config(tmp_path / "absent.yaml", {"decoders": ["melody_2bar_smal"]}, **SIZES)
    assert "did you mean 'melody_2bar_small'" in refused("train", absent, "--data", pieces, "--out", tmp_path / "out")


def test_one_stage_and_several_do_not_share_a_folder(tmp_path, staged, config, data, trained):
    run(*staged, "--steps", 1)
    assert "several stages" in refused("train", config, "--data", data, "--out", tmp_path / "staged")
    assert "of one stage" in refused(*staged[:-1], trained)


def test_fewer_steps_than_a_run_has_are_nothing_to_train(data, config, trained):
    said = " ".join(run("train", config, "--data", data, "--out", trained, "--steps", 1).split())
    assert "has 2 steps, of 1 that were asked for: nothing to train" in said and "Trained" not in said
    assert about(trained)["step"] == 2


def test_a_run_stays_with_the_weights_it_began_with(tmp_path, data, config, trained):
    run("export", trained, "--name", "base", "--to", tmp_path)
    words = ["train", config, "--data", data, "--out"]
    late = refused(*words, trained, "--steps", 3, "--fine-tune", tmp_path / "base")
    assert "from other weights than those of base" in late and not (trained / "before.csv").exists()

    tuned = [*words, tmp_path / "tuned"]
    run(*tuned, "--fine-tune", tmp_path / "base")
    commands, history = about(tmp_path / "tuned")["commands"], (tmp_path / "tuned" / "before.csv").read_text()
    assert len(commands) == 2 and history == (tmp_path / "base" / "history.csv").read_text()
    run(*tuned, "--steps", 3)  # it need not be told again
    run(*tuned, "--steps", 4, "--fine-tune", tmp_path / "base")
    assert about(tmp_path / "tuned")["commands"] == commands and about(tmp_path / "tuned")["step"] == 4

    run("train", make_config(tmp_path / "other.yaml", {"seed": 2}), "--data", data, "--out", tmp_path / "other")
    run("export", tmp_path / "other", "--name", "base", "--to", tmp_path, "--force")
    assert "from other weights" in refused(*tuned, "--steps", 5, "--fine-tune", tmp_path / "base")


def test_a_model_without_figures_can_be_fine_tuned(tmp_path, data, config, trained):
    run("export", trained, "--name", "base", "--to", tmp_path)
    path = tmp_path / "base" / "model.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), "figures": None}))
    run("train", config, "--data", data, "--out", tmp_path / "tuned", "--fine-tune", tmp_path / "base")
    assert len(about(tmp_path / "tuned")["commands"]) == 1


@pytest.mark.parametrize("old", [
    lambda values: (values.pop("start"), values.update(command=values.pop("commands")[0], fine_tune=None)),
    lambda values: values.pop("start"),
])
def test_runs_of_earlier_versions_go_on_and_are_exported(tmp_path, data, config, trained, old):
    for name in ("checkpoint.npz", "best.npz"):
        rewrite(trained / name, old)
    run("train", config, "--data", data, "--out", trained, "--steps", 3)
    assert about(trained)["step"] == 3 and len(about(trained)["commands"]) == 1 and "start" not in about(trained)
    run("export", trained, "--name", "old", "--to", tmp_path)


def test_fine_tuned_runs_of_earlier_versions_go_on_with_their_model_only(tmp_path, data, config, trained):
    run("export", trained, "--name", "base", "--to", tmp_path)
    words = ["train", config, "--data", data, "--out", tmp_path / "tuned", "--fine-tune", tmp_path / "base", "--steps"]
    run(*words, 2)
    rewrite(tmp_path / "tuned" / "checkpoint.npz", lambda values: values.pop("start"))
    path = tmp_path / "base" / "model.yaml"
    other = yaml.safe_load(path.read_text())
    other["figures"]["commands"] = ["musicvae train another"]
    (tmp_path / "base").rename(tmp_path / "kept")
    shutil.copytree(tmp_path / "kept", tmp_path / "base")
    path.write_text(yaml.safe_dump(other))
    assert "from other weights" in refused(*words, 3)
    shutil.rmtree(tmp_path / "base")
    (tmp_path / "kept").rename(tmp_path / "base")
    run(*words, 3)
    assert about(tmp_path / "tuned")["start"]["name"] == "base"


@pytest.mark.parametrize("damage, message", [
    (lambda path: shutil.copy(path.parent / "best.npz", path), "parameters|encoder/0/forward/input is missing"),
    (lambda path: np.save(path.open("wb"), np.zeros(3)), "cannot be used"),
    (lambda path: path.write_bytes(path.read_bytes()[:-30]), "cannot be used"),
    (lambda path: path.write_bytes(b""), "cannot be used"),
    (lambda path: rewrite(path, lambda values: values.pop("best")), "KeyError('best')"),
    (lambda path: rewrite(path, lambda values: values.pop("data")), "KeyError('data')"),
    (lambda path: rewrite(path, lambda values: values["config"].pop("training")), "cannot be used"),
    (lambda path: rewrite(path, lambda values: values["config"].update(latent=4)), "must have shape"),
])
def test_a_damaged_checkpoint_is_a_message(data, config, trained, damage, message):
    damage(trained / "checkpoint.npz")
    said = refused("train", config, "--data", data, "--out", trained, "--steps", 3)
    assert "checkpoint.npz" in said and message in said, said


def test_no_damaged_byte_raises_anything_but_checkpoint_errors(tmp_path, trained):
    content = (trained / "best.npz").read_bytes()
    directory, rng = content.index(b"PK\x01\x02"), np.random.default_rng(0)
    places = [*range(60), *range(directory, directory + 60), *rng.integers(0, len(content), 100)]
    broken, refusals = tmp_path / "broken.npz", 0
    for place in places:
        for value in (content[place] ^ 1, content[place] ^ 0xff):
            broken.write_bytes(content[:place] + bytes([value]) + content[place + 1:])
            try:
                checkpoint.load(broken, weights.shapes)
            except checkpoint.CheckpointError as error:
                refusals += "broken.npz" in str(error)
    assert refusals > len(places)


def test_the_figures_of_a_training_can_be_read_in_80_columns(data, trained, config):
    lines = run("train", config, "--data", data, "--out", trained, "--steps", 12).splitlines()
    bar = next(number for number, line in enumerate(lines) if "12/12" in line)
    assert "━━━━━" in lines[bar] and "left" in lines[bar] and "examples/s" in lines[bar]
    for figure in ("loss ", "next ", "KL ", "reconstruction ", "(train "):
        assert figure in lines[bar + 1]
    assert max(map(len, lines[bar:bar + 2])) <= 80 and lines[bar + 1].rstrip().endswith(")")


def test_data_are_weighted_after_the_equals_sign_of_a_folder_only(tmp_path, config):
    odd = make_data(tmp_path / "a=b" / "mel")
    words = ["train", config, "--out", tmp_path / "run", "--data"]
    run(*words, odd)
    run(*words, f"{odd}=2", "--steps", 3)
    for weight in ("nan", "inf", "0", "-1"):
        assert f"a finite number above 0. Received: {weight}" in refused(*words, f"{odd}={weight}")
        assert f"a finite number above 0. Received: {weight}" in refused(
            "table1", "--out", tmp_path / "table", "--data", f"{odd}={weight}")
    assert "is no folder" in refused(*words, tmp_path / "a=c" / "mel")
