"""Overlaps by hand, and the whole measure on data that is, and is not, what the model writes."""
import json

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib import image

from tests.vae.data_sets import write_data_set
from vae import dataset, registry
from vae.analysis import commands, quality, samples
from vae.codecs import HOLD


@pytest.mark.parametrize("one, other, expected", [
    ([2, 2], [5, 5], 1.0), ([3, 0], [0, 7], 0.0), ([3, 1], [1, 1], 0.75), ([0, 0], [1, 1], 0.0),
    ([0, 0], [0, 0], None)])
def test_overlap(one, other, expected):
    assert quality.overlap(np.array(one), np.array(other)) == expected


@pytest.fixture(scope="module")
def melody(models, tmp_path_factory):
    """(model, data): examples that the model wrote itself in train and test."""
    model = registry.load(models["melody_2bar"])
    written = samples.draw(model, 400, seed=9)
    return model, dataset.open_dataset(write_data_set(tmp_path_factory.mktemp("data") / "own", "melody_2bar",
                                                      train=written[:200], validation=written[:1], test=written[200:]))


def test_samples_are_those_of_their_seed_and_their_number(melody):
    model, told = melody[0], []
    few, many = samples.draw(model, 5, 3), samples.draw(model, 20, 3, told.append)
    np.testing.assert_array_equal(few, many[:5])
    assert told == [16, 20] and not np.array_equal(few, samples.draw(model, 5, 4))


def test_what_the_model_wrote_itself_is_no_further_from_it_than_its_halves_from_each_other(melody):
    result = quality.measure(*melody, count=100, seed=1)
    assert result["examples"] == 100
    assert result["mean"]["samples"] == pytest.approx(result["mean"]["test"], abs=0.05)
    assert result["mean"]["train"] == pytest.approx(result["mean"]["test"], abs=0.05)
    assert json.loads(json.dumps(result)) == result
    for histogram in result["histograms"]["melody"].values():
        for name in ("samples", "test"):
            assert len(histogram[name]) == len(histogram["bins"]) and sum(histogram[name]) == pytest.approx(1, abs=1e-3)


def test_other_music_is_further_away(melody, tmp_path):
    long = np.tile([60, *[HOLD] * 15], (50, 2))[..., None]
    data = dataset.open_dataset(write_data_set(tmp_path / "long", "melody_2bar", train=long, validation=long, test=long))
    result = quality.measure(melody[0], data, count=20, seed=1)
    assert result["mean"]["test"] == result["mean"]["train"] == 1.0
    assert result["mean"]["samples"] < 0.5
    assert result["histograms"]["melody"]["note lengths"]["test"][15] == 1.0


def test_the_smaller_split_says_how_many_are_compared(melody, tmp_path):
    data = dataset.open_dataset(write_data_set(tmp_path / "few", "melody_2bar", train=np.zeros((30, 32, 1)),
                                               validation=np.zeros((1, 32, 1)), test=np.zeros((41, 32, 1))))
    assert [quality.size(data, count) for count in (5, 1000)] == [5, 20]


def test_the_command_prints_writes_and_draws(models, tmp_path):
    rng = np.random.default_rng(0)
    loops = rng.choice([0, 1, 4, 5, 6], (40, 32, 1))
    data = write_data_set(tmp_path / "drums", "drums_2bar", train=loops, validation=loops, test=loops)
    words = [models["drums_2bar"], "--data", data, "--samples", 16, "--json", tmp_path / "q.json", "--plot",
             tmp_path / "q.png"]
    done = CliRunner().invoke(commands.quality, [*map(str, words)])
    assert done.exit_code == 0, done.output
    figures = json.loads((tmp_path / "q.json").read_text())["overlap"]["drums"]
    assert figures["ride onsets"]["test"] is None  # neither half has one
    assert f"{figures['kinds']['samples']:.3f}" in done.output
    assert image.imread(tmp_path / "q.png").std() > 0.05


@pytest.mark.parametrize("task, test, message", [
    ("melody_2bar", 4, "holds examples for melody_2bar"), ("drums_2bar", 1, "2 test examples")])
def test_mistakes_are_named(models, tmp_path, task, test, message):
    zeros = np.zeros((4, 32, 1))
    data = write_data_set(tmp_path / "data", task, train=zeros, validation=zeros, test=zeros[:test])
    done = CliRunner().invoke(commands.quality, [str(models["drums_2bar"]), "--data", str(data)])
    assert done.exit_code == 2 and message in done.output
