"""`cli.py train` as a trainer uses it: in a process of its own (but where `here`), killed, restarted, given wrong things."""
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import yaml

from tests.vae.data_sets import write_data_set
from tests.vae.training.conftest import run as here

ROOT = pathlib.Path(__file__).parents[3]
CONFIG = {
    "task": "drums_2bar", "latent": 8, "encoder": [16], "decoder": [16],
    "training": {"steps": 120, "batch": 16, "free_bits": 4, "scheduled_sampling": 20, "shared_features": True,
                 "input_scale": 0.3, "augment": ["recombine_lanes"]},
}


def write_data(folder, task="drums_2bar", train=64, validation=8, classes=512, steps=32):
    """A data set of random examples of one part."""
    rng = np.random.default_rng(0)
    return write_data_set(folder, task, **{name: rng.integers(1, classes, (count, steps, 1)) for name, count in
                                           (("train", train), ("validation", validation), ("test", validation))})


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data") / "set")


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp("config") / "config.yaml"
    path.write_text(yaml.safe_dump(CONFIG))
    return path


@pytest.fixture(scope="module")
def finished(tmp_path_factory, data, config):
    """A run that was never interrupted."""
    out = tmp_path_factory.mktemp("runs") / "finished"
    done = run("train", config, "--data", data, "--out", out, "--save-every", 40)
    assert done.returncode == 0, done.stderr
    assert "cli.py export" in done.stdout
    return out


def command(*words):
    return [sys.executable, str(ROOT / "cli.py"), *map(str, words)]


def run(*words):
    return subprocess.run(command(*words), capture_output=True, text=True, timeout=300)


def parameters(folder):
    with np.load(folder / "checkpoint.npz") as file:
        return {name: file[name] for name in file.files if "|" in name}


def test_a_run_killed_and_restarted_ends_with_the_very_same_weights(tmp_path, data, config, finished):
    broken, words = tmp_path / "broken", ["train", config, "--data", data, "--save-every", 40]
    process = subprocess.Popen(command(*words, "--out", broken), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (broken / "checkpoint.npz").exists():
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    resumed = run(*words, "--out", broken)
    assert resumed.returncode == 0, resumed.stderr

    one, other = parameters(finished), parameters(broken)
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)
    assert (finished / "history.csv").read_text() == (broken / "history.csv").read_text()


def test_interrupting_saves_and_says_how_to_go_on(tmp_path, data, config):
    out = tmp_path / "run"
    process = subprocess.Popen(command("train", config, "--data", data, "--out", out, "--steps", 100000, "--save-every", 20),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not (out / "checkpoint.npz").exists():
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130 and "goes on from there" in stdout, stderr
    assert "Traceback" not in stderr


@pytest.mark.parametrize("change, message", [
    ({"trainig": {}}, "unknown key 'trainig' (did you mean 'training'?)"),
    ({"training": {"steps": 5, "bach": 3}}, "training.unknown key 'bach' (did you mean 'batch'?)"),
    ({"training": {"steps": 5, "learning_rate": {"start": "1e-3", "end": 0.1}}}, "write 0.001, not 1e-3"),
    ({"training": {"steps": 0}}, "steps: must be at least 1. Received: 0"),
    ({"training": {"steps": 5, "augment": ["recombine_lane"]}}, "recombine_lanes"),
    ({"task": "drums_3bar"}, "drums_2bar"),
    ({"task": "melody_2bar"}, "holds examples for drums_2bar, but the model's task is melody_2bar"),
    ({"encoder": []}, "encoder: must be units with a latent"),
])
def test_mistakes_in_the_config_are_named(tmp_path, data, change, message):
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump({**CONFIG, **change}))
    done = run("train", path, "--data", data, "--out", tmp_path / "run")
    assert done.returncode == 2 and message in " ".join(done.stderr.split()), done.stderr
    assert "Traceback" not in done.stderr


def test_mistakes_in_the_arguments_are_named(tmp_path, data, config):
    empty = write_data(tmp_path / "empty", train=0)
    for words, message in (
            (["train", "drums_2bar_smal", "--data", data], "drums_2bar_small"),
            (["train", config, "--data", tmp_path / "missing"], "missing"),
            (["train", config, "--data", empty], "no training examples"),
            (["train", config, "--data", f"{data}=-1"], "above 0"),
            (["train", config, "--data", data, "--fine-tune", "drumz"], "no model 'drumz'")):
        done = run(*words, "--out", tmp_path / "run")
        assert done.returncode == 2 and message in " ".join(done.stderr.split()), done.stderr
        assert "Traceback" not in done.stderr


def test_another_config_does_not_overwrite_a_run(tmp_path, data, finished):
    before = (finished / "checkpoint.npz").read_bytes()
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({**CONFIG, "latent": 9}))
    done = run("train", config, "--data", data, "--out", finished)
    assert done.returncode == 2 and "another config" in done.stderr
    assert (finished / "checkpoint.npz").read_bytes() == before


def test_export_evaluate_fine_tune_and_generate(tmp_path, data, config, finished):
    models = tmp_path / "models"
    exported = run("export", finished, "--name", "mine", "--to", models, "--data", data)
    assert exported.returncode == 0, exported.stderr
    card = (models / "mine" / "card.md").read_text()
    assert "musicvae train" in card and str(data) not in card
    evaluated = run("evaluate", models / "mine", "--data", data, "--json", "-")
    assert evaluated.returncode == 0 and '"kl"' in evaluated.stdout, evaluated.stderr
    tuned = run("train", config, "--data", data, "--out", tmp_path / "tuned", "--steps", 2, "--fine-tune", models / "mine")
    assert tuned.returncode == 0, tuned.stderr
    here("export", tmp_path / "tuned", "--name", "tuned", "--to", models)
    card = (models / "tuned" / "card.md").read_text()
    seen = yaml.safe_load((models / "mine" / "model.yaml").read_text())["figures"]["examples_seen"]
    assert seen in (640, 1280, 1920)  # the best of random examples is any of its three checkpoints
    assert card.count("musicvae train") == 2 and f"{seen + 2 * 16:,} examples seen" in card
    words, folders = ["generate", models / "mine", "--seed", 3, "--count", 3, "--out"], [tmp_path / "a", tmp_path / "b"]
    made = run(*words, folders[0])
    assert made.returncode == 0, made.stderr
    here(*words, folders[1])  # in another process the same clips
    names = sorted(path.name for path in folders[0].iterdir())
    assert len(names) == 3
    assert all((folders[0] / name).read_bytes() == (folders[1] / name).read_bytes() for name in names)
