"""The variants against the configs of the paper, the tables against figures by hand, and the command on tiny models."""
import json

import numpy as np
import pytest
import tensorflow as tf
import yaml
from click.testing import CliRunner

from tests.vae.data_sets import write_data_set
from vae import config as configs
from vae.analysis import commands, table1

TINY = {"task": "drums_2bar", "latent": 3, "encoder": [4], "decoder": [5],
        "training": {"steps": 3, "batch": 4, "free_bits": 4, "scheduled_sampling": 2,
                     "beta": {"start": 0.1, "end": 0.1}, "learning_rate": {"start": 0.05, "end": 0.05}}}


def scores(following, reconstruction, kl=9.0):
    return {"next": following, "reconstruction": reconstruction, "kl": kl, "examples": 5, "steps": 30, "best_step": 20,
            "batch": 4, "parameters": 100, "own_events": 0.25}


@pytest.mark.parametrize("task", table1.TASKS)
def test_the_baselines_of_the_paper_are_its_configs(task):
    derived = table1.variant(configs.read(task), table1.BASELINE)
    assert derived.as_dict() == configs.read(f"{task}_baseline").as_dict()


@pytest.mark.parametrize("task", table1.TASKS)
def test_variants_differ_in_what_the_table_compares_only(task):
    config = configs.read(table1.base_name(task, "small"))
    assert table1.variant(config, table1.SCHEDULED).as_dict() == config.as_dict()
    expected = config.as_dict()
    for stage in (expected["training"], *expected.get("then", [])):
        stage["scheduled_sampling"] = 0.0
    assert table1.variant(config, table1.VAE).as_dict() == expected
    baseline = table1.variant(config, table1.BASELINE)
    assert (baseline.latent, baseline.encoder, baseline.decoder) == (0, (), config.decoder)
    assert baseline.training.augment == config.training.augment and not baseline.then and not baseline.training.excerpt


def test_figures_stand_beside_the_papers():
    results = {"trio_16bar": {"vae": scores([.1, .2, .3], [.4, .5, .6], 77.04)}}
    columns, rows = table1.accuracy_table(results)
    assert columns == ("model", "variant", "next", "paper", "recon", "paper", "KL", "paper")
    assert rows == [("16-bar Trio (Lead)", "VAE", .1, .818, .4, .653, "77.0", "177.4"),
                    ("16-bar Trio (Bass)", "VAE", .2, .882, .5, .692, None, None),
                    ("16-bar Trio (Drums)", "VAE", .3, .926, .6, .808, None, None)]
    assert table1.training_table(results, {"trio_16bar": {"train": 50, "test": 5}})[1] == [
        ("trio_16bar", "VAE", 50, 5, 4, 30, 20, "25%")]


def test_the_order_of_the_columns_is_judged_where_both_are_there():
    results = {"drums_2bar": {"baseline": scores([.9], [.3]), "vae": scores([.1], [.5]),
                              "vae_scheduled": scores([.1], [.5])},
               "melody_2bar": {"vae": scores([.1], [.5])}}
    assert [(row, holds) for row, _, holds in table1.orders(results)] == [("2-bar Drum", True), ("2-bar Drum", False)]
    data = {task: {"train": 50, "test": 5} for task in results}
    text = table1.report(results, data, "small", ["trio_16bar: no data set given"])
    assert "| 2-bar Drum | VAE | 0.100 | 0.979 | 0.500 | 0.917 | 9.0 | 70.7 |" in text
    assert "VAE above baseline | yes |" in text and "Left out: trio_16bar: no data set given." in text


@pytest.mark.parametrize("texts, expected", [
    ([], {}), (["5"], dict.fromkeys(table1.TASKS, 5)), (["drums_2bar=7"], {"drums_2bar": 7}),
    (["5", "trio_16bar=9"], {**dict.fromkeys(table1.TASKS, 5), "trio_16bar": 9})])
def test_steps_are_for_all_runs_or_for_a_tasks(texts, expected):
    assert commands._steps(texts) == expected


@pytest.fixture
def uncompiled():
    """The same computations without XLA, whose compiling of all variants would take longer than their three steps."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def data(tmp_path, monkeypatch, uncompiled):
    """A drum data set, and a tiny model in the place of the small one."""
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "drums_2bar_small.yaml").write_text(yaml.safe_dump(TINY))
    monkeypatch.setattr(configs, "CONFIGS", tmp_path / "configs")
    loops = np.random.default_rng(0).integers(0, 4, (20, 32, 1))
    return write_data_set(tmp_path / "drums", "drums_2bar", train=loops, validation=loops[:5], test=loops[5:11])


def run(*words):
    return CliRunner().invoke(commands.table1, [*map(str, words)])


def test_the_command_trains_what_is_missing_and_scores_what_is_there(data, tmp_path, monkeypatch):
    out = tmp_path / "runs"
    done = run("--data", data, "--out", out)
    assert done.exit_code == 0, done.output
    assert "left out: melody_2bar: no data set given" in done.output
    first = json.loads((out / "table1.json").read_text())
    trained = first["results"]["drums_2bar"]
    assert list(trained) == list(table1.VARIANTS) and first["data"] == {"drums_2bar": {"train": 20, "test": 6}}
    assert {name: figures["steps"] for name, figures in trained.items()} == dict.fromkeys(table1.VARIANTS, 3)
    assert trained["baseline"]["kl"] == 0.0 < trained["vae"]["kl"] != trained["vae_scheduled"]["kl"]
    assert [figures["own_events"] for figures in trained.values()] == [0.0, 0.0, 0.691]  # 1 - 2 / (2 + exp(3 / 2))
    assert trained["baseline"]["parameters"] < trained["vae"]["parameters"]

    (out / "drums_2bar_small_vae" / "before.csv").write_bytes(  # as if it had been fine-tuned from itself
        (out / "drums_2bar_small_vae" / "history.csv").read_bytes())
    trained["vae"] |= {"steps": 6, "best_step": 3 + trained["vae"]["best_step"]}

    whole = (out / "drums_2bar_small_vae" / "checkpoint.npz").read_bytes()
    (out / "drums_2bar_small_vae_scheduled").rename(tmp_path / "away")
    (out / "drums_2bar_small_vae_scheduled").mkdir()  # as a run leaves it that was interrupted early
    done = run("--data", data, "--out", out, "--no-train")
    assert done.exit_code == 0 and "drums_2bar_small_vae_scheduled: not trained to its" in done.output, done.output
    again = json.loads((out / "table1.json").read_text())
    assert again["left_out"][-1].startswith("drums_2bar_small_vae_scheduled: not trained")
    assert again["results"]["drums_2bar"] == {name: trained[name] for name in ("baseline", "vae")}

    (out / "drums_2bar_small_vae_scheduled").rmdir()
    (tmp_path / "away").rename(out / "drums_2bar_small_vae_scheduled")
    monkeypatch.setattr(table1, "score", lambda run, *_: scores([0.5], [0.5]))
    done = run("--data", data, "--out", out)  # all there: nothing is trained again
    assert done.exit_code == 0 and (out / "drums_2bar_small_vae" / "checkpoint.npz").read_bytes() == whole

    (out / "drums_2bar_small_vae").rename(tmp_path / "away")
    (out / "drums_2bar_small_vae_scheduled").rename(out / "drums_2bar_small_vae")
    monkeypatch.undo()
    monkeypatch.setattr(configs, "CONFIGS", tmp_path / "configs")
    done = run("--data", data, "--out", out, "--no-train")
    assert done.exit_code == 2 and "another model" in done.output


def test_mistakes_are_named(data, tmp_path):
    loops = np.zeros((3, 32, 1))
    empty = write_data_set(tmp_path / "empty", "drums_2bar", train=loops, validation=loops, test=loops[:0])
    for words, message in ((["--data", data, "--steps", "drum=5"], "Received: drum=5"),
                           (["--data", data, "--steps", "0"], "above 0"),
                           (["--data", empty], "no test examples"), (["--data", tmp_path / "none"], "none"),
                           (["--data", data, "--no-train"], "no run to score")):
        done = run(*words, "--out", tmp_path / "runs")
        assert done.exit_code == 2 and message in " ".join(done.output.split()), done.output
