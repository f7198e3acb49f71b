"""Compiled programs are kept for the next process, and a broken or foreign one is never used."""
import os
import subprocess
import sys

import pytest

from vae.xla import KeptPrograms

PROGRAM = """
import pathlib, sys
from vae.xla import KeptPrograms, compiled
kept = KeptPrograms(pathlib.Path(sys.argv[1]))
folder = pathlib.Path(next(pathlib.Path(sys.argv[1]).glob("of-process-*")))
unpacked = [(path.name, path.stat().st_mtime_ns) for path in folder.iterdir()]
import tensorflow as tf
print(compiled(lambda x: tf.reduce_sum(x * x))(tf.constant([1.0, 2.0, 3.0])).numpy())
print("compiled" if unpacked != [(path.name, path.stat().st_mtime_ns) for path in folder.iterdir()] else "kept")
kept.keep()
"""


def serve(home):
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(home)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setenv("TF_XLA_FLAGS", "--tf_xla_clustering_debug")

    def start():
        return KeptPrograms(tmp_path)
    return start


def unpacked(folder):
    return {path.name: path.read_bytes() for path in folder.glob("of-process-*/*.pb")}


def test_a_process_uses_what_an_earlier_one_compiled(tmp_path):
    assert serve(tmp_path) == ["14.0", "compiled"]
    assert serve(tmp_path) == ["14.0", "kept"]


def test_what_is_kept_comes_back_and_is_away_until_it_has_served(tmp_path, kept):
    programs = kept()
    (folder,) = tmp_path.glob("of-process-*")
    (folder / "one.pb").write_bytes(b"machine code")
    programs.keep()
    again = kept()
    assert unpacked(tmp_path) == {"one.pb": b"machine code"}
    assert not list(tmp_path.glob("*.zip"))  # a process that these programs end does not leave them to the next one
    again.keep()
    assert list(tmp_path.glob("*.zip"))


@pytest.mark.parametrize("fault", ["cut short", "another byte", "no archive"])
def test_a_broken_archive_is_done_without(tmp_path, kept, fault):
    programs = kept()
    (folder,) = tmp_path.glob("of-process-*")
    (folder / "one.pb").write_bytes(b"machine code" * 1000)
    programs.keep()
    (archive,) = tmp_path.glob("*.zip")
    content = bytearray(archive.read_bytes())
    content[5000] ^= 1
    archive.write_bytes({"cut short": content[:6000], "another byte": content, "no archive": b"x" * 100}[fault])
    kept()
    assert unpacked(tmp_path) == {}


def test_folders_of_processes_that_are_gone_are_removed(tmp_path, kept):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left = tmp_path / f"of-process-{gone.pid}"
    left.mkdir()
    kept()
    assert not left.exists()


def test_without_a_place_to_keep_them_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.delenv("TF_XLA_FLAGS", raising=False)
    (tmp_path / "file").write_text("")
    KeptPrograms(tmp_path / "file" / "below").keep()
    assert "TF_XLA_FLAGS" not in os.environ


def test_flags_that_the_user_set_stay(kept):
    kept()
    assert os.environ["TF_XLA_FLAGS"].startswith("--tf_xla_clustering_debug --tf_xla_persistent_cache_directory=")
