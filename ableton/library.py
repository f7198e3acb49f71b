"""Live's User Library: where it is, and the devices put into it and taken out of it again.

What was written is remembered in a file in the library itself, with each file's checksum: a file that is not there as
this project wrote it is somebody's own, and is neither replaced nor removed.
"""

import hashlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from ableton import amxd

RECORD = ".musicvae-bridge.json"
FOLDERS = {
    "midi_effect": Path("Presets", "MIDI Effects", "Max MIDI Effect"),
    "audio_effect": Path("Presets", "Audio Effects", "Max Audio Effect"),
    "instrument": Path("Presets", "Instruments", "Max Instrument"),
    "midi_generator": Path("MIDI Tools", "Max Generators"),
    "midi_transformation": Path("MIDI Tools", "Max Transformations"),
}
_FOLDER_OF = {fourcc: FOLDERS[name] for name, fourcc in amxd.DEVICE_TYPES.items()}


class LibraryError(Exception):
    """The User Library cannot be found or used; the message says what to do."""


@dataclass(frozen=True)
class Change:
    """One file of an install or uninstall. done: installed, updated, unchanged, removed, kept or missing."""

    path: Path
    done: str


def default_library(platform: str = sys.platform, home: Path | None = None) -> Path:
    """Where Live keeps its User Library on this system. Raises LibraryError where Live does not run."""
    home = home or Path.home()
    if platform == "darwin":
        return home / "Music" / "Ableton" / "User Library"
    if platform == "win32":
        return home / "Documents" / "Ableton" / "User Library"
    raise LibraryError("Live runs on macOS and Windows only; name a User Library with --library PATH")


def find_library(given: Path | None = None) -> Path:
    """The User Library to use. Raises LibraryError when it is not there."""
    path = given or default_library()
    if not path.is_dir():
        raise LibraryError(f"no User Library at {path}: start Live once, or name another folder with --library PATH "
                           "(Live shows it under Settings, Library)")
    return path


def install(library: Path, devices: dict[str, Path], force: bool = False) -> list[Change]:
    """Copy devices (name to .amxd) to where Live's browser shows them; update those written before.

    Raises LibraryError, before anything is written, when a file that this project did not write is in the way and
    `force` is not set, or when a device is broken.
    """
    record = _read_record(library)
    plan = []
    for path in devices.values():
        data = path.read_bytes()
        problems = amxd.verify(data)
        if problems:
            raise LibraryError(f"{path} is broken: {problems[0]}")
        plan.append((_FOLDER_OF[amxd.unpack(data).type] / path.name, data))
    for place, data in plan:
        target = library / place
        if target.exists() and not force and not _ours(target, record.get(place.as_posix())) \
                and target.read_bytes() != data:
            raise LibraryError(f"{target} was not written by this project, or was changed since. "
                               "Move it away, or replace it with --force")
    changes = []
    for place, data in plan:
        target = library / place
        state = "installed" if not target.exists() else "unchanged" if target.read_bytes() == data else "updated"
        if state != "unchanged":
            _write(target, data)
        record[place.as_posix()] = _checksum(data)
        changes.append(Change(target, state))
    _write(library / RECORD, json.dumps(record, indent=1, sort_keys=True).encode("utf-8"))
    return changes


def uninstall(library: Path) -> list[Change]:
    """Remove just what `install` wrote. A file that was changed since is kept."""
    record = _read_record(library)
    changes = []
    for place, checksum in record.items():
        target = library / place
        if not target.exists():
            changes.append(Change(target, "missing"))
        elif _ours(target, checksum):
            target.unlink()
            changes.append(Change(target, "removed"))
        else:
            changes.append(Change(target, "kept"))
    (library / RECORD).unlink(missing_ok=True)
    return changes


def installed(library: Path) -> list[Path]:
    """Devices in the library that are there as this project wrote them."""
    return [library / place for place, checksum in _read_record(library).items() if _ours(library / place, checksum)]


def _read_record(library: Path) -> dict[str, str]:
    path = library / RECORD
    try:
        record = json.loads(path.read_text("utf-8"))
        if not isinstance(record, dict):
            raise ValueError(f"files with their checksums expected, received {type(record).__name__}")
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise LibraryError(f"{path} is damaged ({error}): remove it, then install with --force") from None
    inside = [place for place in record if (library / place).resolve().is_relative_to(library.resolve())]
    return {place: record[place] for place in inside}  # a record never reaches out of its library


def _ours(path: Path, checksum: str | None) -> bool:
    return path.is_file() and checksum is not None and _checksum(path.read_bytes()) == checksum


def _checksum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        part.write_bytes(data)
        os.replace(part, path)  # Live's browser never sees half a device
    except OSError as error:
        raise LibraryError(f"{path} cannot be written: {error.strerror}") from None
