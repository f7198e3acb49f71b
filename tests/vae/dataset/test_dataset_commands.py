import os
import shutil
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib import image

from cli import main
from tests.vae.data_sets import write_data_set
from vae.dataset import open_dataset
from vae.dataset.commands import dataset


def run(*arguments):
    return CliRunner().invoke(dataset, [str(argument) for argument in arguments], catch_exceptions=False)


@pytest.mark.parametrize("task", ["drums_2bar", "melody_2bar", "trio_16bar"])
def test_build_and_show(library, tmp_path, task):
    built = run("build", library, "--task", task, "--out", tmp_path / "out", "--workers", 1)
    assert built.exit_code == 0, built.output
    counts = open_dataset(tmp_path / "out").meta["examples"]
    for text in ("files read", "rejected: not a MIDI file", "dropped", f"{counts['train']:,}"):
        assert text in built.output
    before = sorted(path.name for path in (tmp_path / "out").iterdir())
    shown = run("show", tmp_path / "out", "--count", 3, "--out", tmp_path / "picture.png")
    assert shown.exit_code == 0 and "statistics of" in shown.output and "Drew 3 examples" in shown.output
    assert image.imread(tmp_path / "picture.png").std() > 0.05
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == before
    assert run("show", tmp_path / "out", "--count", 2).exit_code == 0 and (tmp_path / "out" / "examples.png").exists()
    assert open_dataset(tmp_path / "out").meta["examples"] == counts


def test_trios_have_a_limit_unless_told(library, tmp_path):
    for options, limit in (((), 1000), (("--limit", 0), 0), (("--limit", 2), 2)):
        folder = tmp_path / str(limit)
        run("build", library, "--task", "trio_16bar", "--out", folder, "--workers", 1, *options)
        assert open_dataset(folder).meta["rules"]["limit"] == limit
    assert open_dataset(tmp_path / "2").meta["counts"]["left out by the limit"] == 2


def test_a_folder_of_noise(tmp_path):
    (tmp_path / "noise").mkdir()
    for index in range(3):
        (tmp_path / "noise" / f"{index}.mid").write_bytes(np.random.default_rng(index).bytes(1000))
    result = run("build", tmp_path / "noise", "--task", "drums_2bar", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "no examples of drums_2bar in" in result.output and "not a MIDI file: 3" in result.output
    assert not (tmp_path / "out").exists() and not (tmp_path / "out.partial").exists()


def test_mistakes_exit_with_2(library, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    (tmp_path / "mine.partial").mkdir()
    (tmp_path / "mine.partial" / "song.als").write_text("a month of work")
    for arguments, message in (
            (("build", tmp_path / "empty", "--task", "drums_2bar", "--out", tmp_path / "out"), "no .mid files there"),
            (("build", tmp_path / "nowhere", "--task", "drums_2bar", "--out", tmp_path / "out"), "does not exist"),
            (("build", library, "--task", "drums_2bar", "--out", tmp_path / "full"), "is there already"),
            (("build", library, "--task", "drums_2bar", "--out", tmp_path / "full" / "file" / "out"),
             f"cannot write {tmp_path / 'full' / 'file' / 'out.partial'}: Not a directory"),
            (("build", library, "--task", "drums_2bar", "--out", tmp_path / "mine"), "mine.partial, where the build would"),
            (("build", library, "--task", "drums", "--out", tmp_path / "out"), "drums_2bar"),
            (("build", library, "--task", "drums_2bar", "--out", tmp_path / "out", "--test", "nan"), "'nan' is not a number"),
            (("build", library, "--task", "drums_2bar", "--out", tmp_path / "out", "--test", 0.6, "--validation", 0.6),
             "shares of one whole, received 0.6 and 0.6"),
            (("show", tmp_path / "empty"), "is not a data set")):
        result = run(*arguments)
        assert result.exit_code == 2 and message in result.output, result.output
    assert (tmp_path / "mine.partial" / "song.als").read_text() == "a month of work"


def test_the_folder_one_is_in_is_not_replaced(library, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (".", tmp_path, ""):
        result = run("build", library, "--task", "drums_2bar", "--out", name)
        assert result.exit_code == 2 and "is the folder you are in" in result.output


def test_a_build_goes_on_when_there_is_space_again(library, tmp_path):
    resource = pytest.importorskip("resource", reason="limits of processes are POSIX")
    arguments = ("build", library, "--task", "melody_2bar", "--workers", 1, "--out")
    assert run(*arguments, tmp_path / "unbroken").exit_code == 0
    train = tmp_path / "unbroken" / "train.npy"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (train.stat().st_size - 1, limits[1]))  # of a file, all that a test can fill
    try:
        result = run(*arguments, tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert result.exit_code == 2
    assert f"cannot write {tmp_path / 'out.partial'}: File too large. Once that is mended, the same" in result.output
    assert run(*arguments, tmp_path / "out").exit_code == 0
    assert (tmp_path / "out" / "train.npy").read_bytes() == train.read_bytes()
    assert not (tmp_path / "out.partial").exists()


def test_pictures_that_cannot_be_drawn(tmp_path):
    loops = np.random.default_rng(0).integers(1, 512, (6, 32, 1))
    data = write_data_set(tmp_path / "data", "drums_2bar", train=loops, validation=loops, test=loops)
    (data / "examples.png").mkdir()  # as where the data set is read-only
    for options, message in (((), f"cannot write {data / 'examples.png'}: Is a directory; --out names another place"),
                             (("--out", tmp_path / "nowhere" / "x.png"), "cannot be written: [Errno 2] No such file"),
                             (("--out", tmp_path / "x.xyz"), "must end in .png"),
                             (("--out", tmp_path / "x"), "must end in .png")):
        result = run("show", data, "--count", 1, *options)
        assert result.exit_code == 2 and message in result.output.replace("\n", " "), result.output
        assert "statistics" not in result.output
    assert sorted(os.listdir(tmp_path)) == ["data"]


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes are Linux's")
def test_folders_may_have_names_that_are_no_text(tmp_path, library):
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")
    os.mkdir(folder)
    shutil.copy(library / "song number 000.mid", folder)
    for words in (("build", folder, "--task", "drums_2bar", "--out", tmp_path / "out", "--workers", 1), ("show", tmp_path / "out")):
        result = CliRunner().invoke(main, ["dataset", *map(str, words)])
        assert result.exit_code == 0 and "caf\\udce9" in result.output, result.output


def test_an_empty_split_is_said(tmp_path, library):
    result = run("build", library, "--task", "melody_2bar", "--out", tmp_path / "out", "--validation", 0, "--workers", 1)
    assert result.exit_code == 0 and "validation got no example" in result.output
    assert run("show", tmp_path / "out", "--split", "validation").exit_code == 2
