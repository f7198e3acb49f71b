import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.vae.data_sets import write_data_set
from vae.codecs import codec
from vae.dataset import DatasetError
from vae.dataset.records import Partitions, Records, by_partition, pack

REPOSITORY = Path(__file__).parents[3]
CODEC = codec("drums_2bar")
TOKENS = np.random.default_rng(0).integers(1, 512, (50, 32, 1))


def begun(folder, fingerprint="mine"):
    """An unfinished build with one chunk."""
    partitions = Partitions(folder, fingerprint)
    partitions.add(by_partition(pack(TOKENS, 0, 7)), Counter(files=1))
    partitions.flush()
    return partitions


def content(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_was_begun_goes_on(tmp_path):
    assert len(begun(tmp_path / "a").paths) > 30
    with open(begun(tmp_path / "a").paths[0], "ab") as file:
        file.write(b"not flushed")
    again = Partitions(tmp_path / "a", "mine")
    assert again.chunks == 2 and again.counts == Counter(files=2)
    assert sum(len(Records(path, CODEC).rows) for path in again.paths) == 100


def test_a_folder_has_its_journal_before_anything_else(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "journal.json.new").touch()  # a disk that was full at the first write
    Partitions(tmp_path / "a", "mine")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["journal.json"]


@pytest.mark.parametrize("loss", [Path.unlink, lambda path: os.truncate(path, 1)])
def test_lost_records_are_extracted_anew(tmp_path, loss):
    loss(begun(tmp_path / "a").paths[3])
    again = Partitions(tmp_path / "a", "mine")
    assert again.chunks == 0 and not again.counts and not again.paths
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["journal.json"]


def users_file(folder):
    folder.mkdir()
    (folder / "song.als").write_text("a month of work")


def users_file_beside_a_journal(folder):
    begun(folder)
    (folder / "song.als").write_text("a month of work")


def users_journal(folder):
    folder.mkdir()
    (folder / "journal.json").write_text(json.dumps({"monday": "rain"}))


def no_journal_to_read(folder):
    begun(folder)
    (folder / "journal.json").write_text("{")


def a_data_set(folder):
    write_data_set(folder, "drums_2bar", train=TOKENS, validation=TOKENS, test=TOKENS)


def another_build(folder):
    begun(folder, "another")


@pytest.mark.parametrize("make, message", [
    (users_file, "holds 'song.als', which no unfinished build left there"),
    (users_file_beside_a_journal, "holds 'song.als', which no unfinished build left there"),
    (users_journal, "has a damaged journal.json"), (no_journal_to_read, "has a damaged journal.json"),
    (a_data_set, "holds 'meta.yaml', which no unfinished build left there"),
    (another_build, "is an unfinished build of other files or options")])
def test_nothing_of_others_is_touched(tmp_path, make, message):
    make(tmp_path / "a")
    before = content(tmp_path / "a")
    with pytest.raises(DatasetError, match=f"a, where the build would keep what it has, {message}.*name another --out"):
        Partitions(tmp_path / "a", "mine")
    assert content(tmp_path / "a") == before


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "a").write_text("a file")
    with pytest.raises(DatasetError, match="is no folder: move it away"):
        Partitions(tmp_path / "a", "mine")
    assert (tmp_path / "a").read_text() == "a file"


def test_a_full_disk_is_an_error_and_no_crash(tmp_path):
    """On a file system of 64 kB: memory-mapped files, which need no space before they are touched, end in SIGBUS there."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "piece").write_bytes(bytes(64 * 2000))
    (tmp_path / "run.py").write_text(f"""
from pathlib import Path
from vae.dataset.merging import _concatenate
try:
    _concatenate([Path({str(tmp_path / "piece")!r})], Path({str(tmp_path / "disk" / "train.npy")!r}), (2000, 32, 1))
except OSError as error:
    print(error.strerror)
""")
    mounted = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec",
               'mount -t tmpfs -o size=64k tmpfs "$1"; shift; exec "$@"', "sh", tmp_path / "disk"]
    try:
        subprocess.run([*mounted, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs a system that lets a user mount a tmpfs of his own (unshare)")
    run = subprocess.run([*mounted, sys.executable, tmp_path / "run.py"], capture_output=True, text=True,
                         env=os.environ | {"PYTHONPATH": str(REPOSITORY)})
    assert (run.returncode, run.stdout) == (0, "No space left on device\n"), run.stderr
