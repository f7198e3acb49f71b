"""Installing into a User Library: the right folders, updates, and nobody else's files."""

import json
from pathlib import Path

import pytest

from ableton import library
from ableton.build import built_devices

PLACES = {
    "MusicVAE Generate": "Presets/MIDI Effects/Max MIDI Effect",
    "MusicVAE Morph": "Presets/MIDI Effects/Max MIDI Effect",
    "MusicVAE Trio": "Presets/MIDI Effects/Max MIDI Effect", "MusicVAE Generator": "MIDI Tools/Max Generators",
    "MusicVAE Vary": "MIDI Tools/Max Transformations"}


def states(changes) -> set:
    return {change.done for change in changes}


def test_devices_go_where_live_looks_and_leave_without_trace(tmp_path):
    own = tmp_path / "MIDI Tools" / "Max Generators" / "Mine.amxd"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"mine")
    assert states(library.install(tmp_path, built_devices())) == {"installed"}
    for name, folder in PLACES.items():
        assert (tmp_path / folder / f"{name}.amxd").read_bytes() == built_devices()[name].read_bytes()
    assert len(library.installed(tmp_path)) == 5
    assert states(library.install(tmp_path, built_devices())) == {"unchanged"}
    assert states(library.uninstall(tmp_path)) == {"removed"}
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [own]
    assert library.uninstall(tmp_path) == []


def test_an_older_version_of_ours_is_updated(tmp_path):
    library.install(tmp_path, built_devices())
    target = tmp_path / PLACES["MusicVAE Trio"] / "MusicVAE Trio.amxd"
    old = b"an older build"
    target.write_bytes(old)
    record = tmp_path / library.RECORD
    record.write_text(record.read_text().replace(
        library._checksum(built_devices()["MusicVAE Trio"].read_bytes()), library._checksum(old)))
    changes = {change.path.name: change.done for change in library.install(tmp_path, built_devices())}
    assert changes.pop("MusicVAE Trio.amxd") == "updated" and set(changes.values()) == {"unchanged"}


def test_somebody_elses_file_is_replaced_only_by_force_and_nothing_is_written_before(tmp_path):
    target = tmp_path / PLACES["MusicVAE Vary"] / "MusicVAE Vary.amxd"
    target.parent.mkdir(parents=True)
    target.write_bytes(b"theirs")
    with pytest.raises(library.LibraryError, match="was not written by this project"):
        library.install(tmp_path, built_devices())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [target]
    library.install(tmp_path, built_devices(), force=True)
    assert target.read_bytes() == built_devices()["MusicVAE Vary"].read_bytes()


def test_a_device_that_the_user_changed_is_kept(tmp_path):
    library.install(tmp_path, built_devices())
    target = tmp_path / PLACES["MusicVAE Vary"] / "MusicVAE Vary.amxd"
    target.write_bytes(b"changed")
    with pytest.raises(library.LibraryError, match="changed since"):
        library.install(tmp_path, built_devices())
    assert {change.path.name: change.done for change in library.uninstall(tmp_path)}["MusicVAE Vary.amxd"] == "kept"
    assert target.read_bytes() == b"changed"


def test_a_broken_device_is_not_installed(tmp_path):
    broken = tmp_path / "Broken.amxd"
    broken.write_bytes(b"ampf\x04\0\0\0mmmm")
    with pytest.raises(library.LibraryError, match="is broken"):
        library.install(tmp_path, {"Broken": broken})


@pytest.mark.parametrize("text", ["[1]", "nonsense", '"text"'])
def test_a_damaged_record_is_said(tmp_path, text):
    (tmp_path / library.RECORD).write_text(text)
    for use in (library.installed, library.uninstall, lambda path: library.install(path, built_devices())):
        with pytest.raises(library.LibraryError, match="is damaged .*: remove it"):
            use(tmp_path)


def test_a_record_does_not_reach_out_of_its_library(tmp_path):
    outside = tmp_path / "precious"
    outside.write_bytes(b"precious")
    inside = tmp_path / "User Library"
    inside.mkdir()
    (inside / library.RECORD).write_text(json.dumps({"../precious": library._checksum(b"precious")}))
    assert library.uninstall(inside) == []
    assert outside.exists()


@pytest.mark.parametrize("platform, place", [
    ("darwin", "Music/Ableton/User Library"), ("win32", "Documents/Ableton/User Library")])
def test_the_library_of_each_system(platform, place):
    assert library.default_library(platform, Path("/home/x")) == Path("/home/x") / place


def test_a_missing_library_is_said():
    with pytest.raises(library.LibraryError, match="--library PATH"):
        library.default_library("linux")
    with pytest.raises(library.LibraryError, match="no User Library at"):
        library.find_library(Path("/nowhere/at/all"))
