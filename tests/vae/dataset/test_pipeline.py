import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.vae.midi_files import SONGS
from vae.codecs import codec
from vae.dataset import DatasetError, open_dataset
from vae.dataset.extraction import Rules, extract
from vae.dataset.merging import IN_TRAIN, IN_VALIDATION, REPEATED, VERSION
from vae.dataset.pipeline import Plan, build
from vae.dataset.splits import SPLITS, split_of
from vae.midi import MidiError, read_song

REPOSITORY = Path(__file__).parents[3]


def silent(stage, done, total):
    pass


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def rows(dataset, split):
    return [row.tobytes() for row in dataset.split(split)]


def naive_splits(plan):
    """What should be in each split, and how many examples each song gave, with everything in memory."""
    found, total = {name: {} for name in SPLITS}, 0
    for number, _, path in plan.files():
        try:
            tokens = extract(read_song(path), plan.codec, plan.rules).tokens
        except MidiError:
            continue
        if tokens is not None:
            split = SPLITS[split_of(path, plan.validation, plan.test)]
            found[split][number] = {row.astype(np.uint16).tobytes() for row in tokens}
            total += len(tokens)
    train = set().union(*found["train"].values())
    for split in ("validation", "test"):
        found[split] = {number: examples for number, examples in found[split].items()
                        if len(examples & train) <= len(examples) / 2}
    validation = set().union(*found["validation"].values()) - train
    return {"train": train, "validation": validation,
            "test": set().union(*found["test"].values()) - train - validation}, total


@pytest.mark.parametrize("task", ["drums_2bar", "melody_2bar", "melody_32bar", "trio_16bar"])
def test_a_folder_becomes_a_data_set(plan, task, tmp_path):
    meta = build(plan(task), tmp_path / "out", 2, silent)
    dataset = open_dataset(tmp_path / "out")
    assert dataset.meta == meta and dataset.task == task
    expected, total = naive_splits(plan(task))
    for name in SPLITS:
        examples = rows(dataset, name)
        assert len(examples) == len(set(examples)) == meta["examples"][name]
        assert set(examples) == expected[name]
    assert sum(meta["examples"].values()) + sum(meta["dropped"].values()) == total
    assert meta["sources"][0]["examples"] == total
    files = meta["files"]
    assert files["read"] == 69 == sum(files["kept"].values()) + sum(files["rejected"].values())
    assert files["rejected"]["not a MIDI file"] == files["rejected"]["truncated"] == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "meta.yaml", "test.npy", "train.npy", "validation.npy"]


def test_workers_do_not_change_the_result(plan, tmp_path):
    for workers in (1, 3):
        build(plan("melody_2bar"), tmp_path / str(workers), workers, silent)
    assert content(tmp_path / "1") == content(tmp_path / "3")


def place(folder, split, name="{}"):
    """A file name below `folder` that is hashed into a split."""
    return next(path for path in (folder / (name.format(f"tune{index}x") + ".mid") for index in range(10_000))
                if SPLITS[split_of(path, 0.2, 0.2)] == split and not path.exists())


def test_equal_examples_stay_in_the_first_split_only(library, tmp_path):
    folder = tmp_path / "midi"
    folder.mkdir()
    for split, name in (("train", "song number 000.mid"), ("train", "song number 000.mid"), ("train", "song number 001.mid"),
                        ("validation", "song number 002.mid"), ("test", "song number 002.mid"),
                        ("test", "song number 003.mid")):
        shutil.copy(library / name, place(folder, split))
    meta = build(Plan((folder,), "drums_2bar", Rules(), 0.2, 0.2), tmp_path / "out", 1, silent)
    assert meta["examples"] == {"train": 6, "validation": 3, "test": 3}
    assert meta["dropped"] == {REPEATED: 3, IN_TRAIN: 0, IN_VALIDATION: 3, VERSION: 0}


def test_a_version_of_a_trained_song_leaves_validation_and_test(tmp_path):
    folder = tmp_path / "midi"
    folder.mkdir()
    shutil.copy(SONGS["freedoom"], place(folder, "train"))
    shutil.copy(SONGS["freedoom, earlier version"], place(folder, "test"))
    shutil.copy(SONGS["reel"], place(folder, "test"))
    meta = build(Plan((folder,), "melody_2bar", Rules(), 0.2, 0.2), tmp_path / "out", 1, silent)
    assert meta["files"]["versions of songs in train"] == {"validation": 0, "test": 1}
    assert meta["dropped"][VERSION] == 52 and meta["examples"] == {"train": 53, "validation": 0, "test": 16}


def test_the_limit_and_its_count(plan, tmp_path):
    meta = build(plan("melody_2bar", limit=3), tmp_path / "out", 1, silent)
    whole = build(plan("melody_2bar"), tmp_path / "whole", 1, silent)
    assert meta["counts"]["left out by the limit"] == whole["sources"][0]["examples"] - meta["sources"][0]["examples"] > 0
    assert meta["counts"]["songs over the limit"] == 4


def test_nothing_is_left_where_there_are_no_examples(tmp_path):
    (tmp_path / "noise").mkdir()
    for index in range(3):
        (tmp_path / "noise" / f"{index}.mid").write_bytes(np.random.default_rng(index).bytes(1000))
    meta = build(Plan((tmp_path / "noise",), "drums_2bar", Rules()), tmp_path / "out", 1, silent)
    assert meta["files"]["rejected"] == {"not a MIDI file": 3} and not any(meta["examples"].values())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["noise"]


def test_linked_folders_are_read_once_and_pipes_not_at_all(tmp_path):
    source, elsewhere = tmp_path / "source", tmp_path / "elsewhere"
    (source / "songs").mkdir(parents=True)
    elsewhere.mkdir()
    shutil.copy(SONGS["reel"], source / "songs" / "one.mid")
    shutil.copy(SONGS["reel"], elsewhere / "two.mid")
    for link, target in (("more", elsewhere), ("same", elsewhere), ("songs/round", source), ("self", "self")):
        (source / link).symlink_to(target)
    (source / "lost.mid").symlink_to("nowhere")
    os.mkfifo(source / "pipe.mid")
    (source / "folder.mid").mkdir()
    plan = Plan((source,), "melody_2bar", Rules())
    assert [str(path.relative_to(source)) for _, _, path in plan.files()] == [
        "lost.mid", "pipe.mid", "more/two.mid", "songs/one.mid"]
    meta = build(plan, tmp_path / "out", 1, silent)
    assert meta["files"]["rejected"] == {"not a regular file": 1, "unreadable": 1}
    assert meta["sources"][0] | {"examples": 0} == {"folder": "source", "files": 4, "kept": 2, "examples": 0}


@pytest.mark.skipif(os.name == "nt", reason="paths of that length are made relative to an open folder")
def test_folders_that_cannot_be_read_are_counted(tmp_path):
    shutil.copy(SONGS["reel"], tmp_path)
    above = os.open(tmp_path, os.O_RDONLY)
    for _ in range(25):  # too deep a folder: unlike one without permission, nobody can read it, be it root
        os.mkdir("folder" * 40, dir_fd=above)
        below = os.open("folder" * 40, os.O_RDONLY, dir_fd=above)
        os.close(above)
        above = below
    os.close(above)
    plan = Plan((tmp_path,), "melody_2bar", Rules())
    meta = build(plan, tmp_path / "out", 1, silent)
    assert meta["files"]["rejected"] == {"folder that cannot be read": 1}
    assert meta["files"]["read"] == 1 == sum(meta["files"]["kept"].values())


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A plan for so many files that a build can be interrupted, and the data set of an unbroken one."""
    folder = tmp_path_factory.mktemp("many")
    (folder / "midi").mkdir()
    for index in range(600):
        shutil.copy(SONGS["freedoom"], folder / "midi" / f"copy {index:04d} of a song.mid")
    plan = Plan((folder / "midi",), "melody_2bar", Rules())
    build(plan, folder / "unbroken", 2, silent)
    return plan, content(folder / "unbroken")


@pytest.mark.parametrize("number, victim", [(signal.SIGINT, "build"), (signal.SIGKILL, "build"), (signal.SIGKILL, "worker")])
def test_an_interrupted_build_goes_on(many, tmp_path, number, victim):
    plan, unbroken = many
    (tmp_path / "run.py").write_text(  # a shell's background jobs ignore SIGINT, and this test may run in one
        "import signal\nfrom vae.dataset.commands import dataset\nif __name__ == '__main__':\n"
        "    signal.signal(signal.SIGINT, signal.default_int_handler)\n    dataset()")
    process = subprocess.Popen(
        [sys.executable, tmp_path / "run.py", "build", *plan.folders, "--task", plan.task, "--out", tmp_path / "out",
         "--workers", "1"],
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=os.environ | {"PYTHONPATH": str(REPOSITORY)})
    journal, workers = tmp_path / "out.partial" / "journal.json", []
    while not (journal.exists() and json.loads(journal.read_text())["chunks"]):
        assert process.poll() is None, process.stderr.read()
        workers = psutil.Process(process.pid).children(recursive=True)  # the last is the one; the first keeps their semaphores
        for worker in workers:
            worker.send_signal(signal.SIGINT)  # as a terminal sends it: to all processes, and while they start
        time.sleep(0.01)
    (process if victim == "build" else workers[-1]).send_signal(number)
    errors = process.communicate(timeout=30)[1]
    if number == signal.SIGINT:
        assert process.returncode == 130 and "The same command goes on" in errors and "Traceback" not in errors
    if victim == "worker":  # as a system does that is short of memory
        assert process.returncode == 2 and "The same command goes on" in errors and "Traceback" not in errors
    assert workers and not psutil.wait_procs(workers, timeout=10)[1]
    assert not (tmp_path / "out").exists()

    stages = []
    build(plan, tmp_path / "out", 2, lambda *stage: stages.append(stage))
    assert stages[0][0] == "reading" and 0 < stages[0][1] <= stages[0][2] == 600
    assert content(tmp_path / "out") == unbroken


def test_what_is_no_data_set(plan, tmp_path):
    with pytest.raises(DatasetError, match=r"no meta.yaml"):
        open_dataset(tmp_path)
    build(plan("drums_2bar"), tmp_path / "out", 1, silent)
    with pytest.raises(DatasetError, match="splits are train, validation, test, received 'training'"):
        open_dataset(tmp_path / "out").split("training")
    np.save(tmp_path / "out" / "test.npy", np.zeros((2, 32, 1), np.uint16))
    with pytest.raises(DatasetError, match=r"test.npy is damaged: expected uint16"):
        open_dataset(tmp_path / "out")
    meta = tmp_path / "out" / "meta.yaml"
    meta.write_text(meta.read_text().replace("drums_2bar", "drums_3bar"))
    with pytest.raises(DatasetError, match="did you mean 'drums_2bar'"):
        open_dataset(tmp_path / "out")


def test_examples_decode(plan, tmp_path):
    build(plan("trio_16bar"), tmp_path / "out", 1, silent)
    dataset = open_dataset(tmp_path / "out")
    for name in SPLITS:
        for tokens in dataset.split(name):
            np.testing.assert_array_equal(codec("trio_16bar").encode(dataset.codec.decode(tokens)), tokens)
