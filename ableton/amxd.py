"""The .amxd container of Max for Live: read, write, freeze and verify.

Chunks are FOURCC + u32 little-endian length + payload: `ampf` (device type), `meta`, `ptch`. The payload of `ptch` is
the patcher's JSON, or, in a frozen device, an archive (`mx@c` ... `dlst`, big-endian) of that JSON and the files it
needs. A frozen device carries its own js: a script that stayed on the author's disk is the commonest fault of devices
in the field.

    AmxdError           not a device this module can hold byte for byte; the message says where and why
"""

import json
import struct
from dataclasses import dataclass
from pathlib import PurePath

DEVICE_TYPES = {
    "audio_effect": "aaaa",
    "midi_effect": "mmmm",
    "instrument": "iiii",
    "midi_generator": "nagg",
    "midi_transformation": "natt",
}

MAC_EPOCH = 2_082_844_800  # seconds from 1904-01-01, where `mdat` counts from, to 1970-01-01
META_UNFROZEN, META_UNFROZEN_WITH_FILES, META_FROZEN, META_FROZEN_WITH_FILES = 0, 1, 4, 7
DEVICE_FLAG, FILE_FLAG = 17, 0
ARCHIVE_HEADER = 16
ENTRY_FIELDS = (b"type", b"fnam", b"sz32", b"of32", b"vers", b"flag", b"mdat")


class AmxdError(ValueError):
    """The bytes are not a Max for Live device, or one whose layout this module does not know."""


@dataclass(frozen=True)
class Entry:
    """One file inside a frozen device. `body` of the first entry is the patcher's JSON and a NUL byte."""

    name: str
    body: bytes
    kind: str = "TEXT"  # FOURCC: "JSON" for patchers and .json, "TEXT" for .js
    flag: int = FILE_FLAG
    modified: int = 0  # unix seconds
    version: int = 0


@dataclass(frozen=True)
class Device:
    """A device file. Unfrozen: `entries` is empty and `patcher` is the whole payload of `ptch`."""

    type: str  # FOURCC, a value of DEVICE_TYPES
    meta: int
    patcher: bytes  # JSON text and the NUL byte it ends in
    entries: tuple[Entry, ...] = ()

    @property
    def frozen(self) -> bool:
        return bool(self.entries)

    def patcher_json(self) -> dict:
        """The patcher as Python objects. Raises AmxdError when it is no JSON object with a `patcher` in it."""
        try:
            tree = json.loads(self.patcher.rstrip(b"\0"))
        except ValueError as error:
            raise AmxdError(f"the patcher is not JSON: {error}") from error
        if not isinstance(tree, dict) or not isinstance(tree.get("patcher"), dict):
            raise AmxdError('the patcher\'s JSON has no object "patcher" on top')
        return tree["patcher"]

    def included(self) -> dict[str, bytes]:
        """Files that travel inside the device, by name; without the patcher itself."""
        return {entry.name: entry.body for entry in self.entries[1:]}


def amxdtype(fourcc: str) -> int:
    """The number that `project.amxdtype` holds: the FOURCC as a big-endian integer."""
    return int.from_bytes(fourcc.encode("ascii"), "big")


def patcher_bytes(patcher: dict) -> bytes:
    """The patcher's JSON as Max writes it: tab-indented text that ends in a newline and a NUL byte."""
    return json.dumps({"patcher": patcher}, indent="\t", ensure_ascii=False).encode("utf-8") + b"\n\0"


def unfrozen(fourcc: str, patcher: dict) -> Device:
    """A device that needs no files, as Max saves one before it is frozen."""
    return Device(fourcc, META_UNFROZEN, patcher_bytes(patcher))


def frozen(fourcc: str, filename: str, patcher: dict, files: dict[str, bytes], modified: int) -> Device:
    """A frozen device with `files` (name to content) inside. `modified` (unix seconds) is part of the bytes."""
    body = patcher_bytes(patcher)
    device = Entry(filename, body, "JSON", DEVICE_FLAG, modified)
    others = tuple(
        Entry(name, content, "TEXT" if name.endswith(".js") else "JSON", FILE_FLAG, modified)
        for name, content in files.items()
    )
    return Device(fourcc, META_FROZEN_WITH_FILES if others else META_FROZEN, body, (device, *others))


def pack(device: Device) -> bytes:
    """The bytes of a device file."""
    payload = _pack_archive(device.entries) if device.frozen else device.patcher
    meta = struct.pack("<I", device.meta)
    return _chunk(b"ampf", device.type.encode("ascii")) + _chunk(b"meta", meta) + _chunk(b"ptch", payload)


def unpack(data: bytes) -> Device:
    """Read a device file. `pack(unpack(data)) == data` holds for every file this accepts; others raise AmxdError."""
    type_payload, at = _read_chunk(data, 0, b"ampf")
    fourcc = type_payload.decode("latin-1")
    if fourcc not in DEVICE_TYPES.values():
        raise AmxdError(f"unknown device type {fourcc!r}; known: {', '.join(DEVICE_TYPES.values())}")
    meta_payload, at = _read_chunk(data, at, b"meta")
    if len(meta_payload) != 4:
        raise AmxdError(f"meta holds 4 bytes, this {len(meta_payload)}")
    payload, at = _read_chunk(data, at, b"ptch")
    entries = _unpack_archive(payload) if payload[:4] == b"mx@c" else ()
    patcher = entries[0].body if entries else payload
    device = Device(fourcc, struct.unpack("<I", meta_payload)[0], patcher, entries)
    if pack(device) != data:
        raise AmxdError("the file has bytes that the container's known layout does not account for")
    return device


def verify(data: bytes) -> list[str]:
    """What is wrong with a device file, in words; an empty list when nothing is."""
    try:
        device = unpack(data)
        patcher = device.patcher_json()
    except AmxdError as error:
        return [str(error)]
    problems = []
    project = patcher.get("project")
    if not isinstance(project, dict):
        problems.append('no "project" block: Max refuses to open the device')
    elif project.get("amxdtype") != amxdtype(device.type):
        problems.append(
            f"project.amxdtype is {project.get('amxdtype')}, the container says {device.type} ({amxdtype(device.type)})"
        )
    names = [entry.name for entry in device.entries]
    problems += [f"{name} is inside twice" for name in sorted(set(names)) if names.count(name) > 1]
    carried = device.included()
    for name in sorted(scripts_used(patcher)):
        if name not in carried:
            problems.append(f"{name} is used by the patcher but not frozen into the device")
    has_files = len(device.entries) > 1
    allowed = {
        (False, False): (META_UNFROZEN, META_UNFROZEN_WITH_FILES),
        (True, False): (META_FROZEN,),
        (True, True): (META_FROZEN_WITH_FILES,),
    }
    expected = allowed[(device.frozen, has_files)]
    if device.meta not in expected:
        problems.append(f"meta is {device.meta}, allowed here: {expected}")
    return problems


def scripts_used(patcher: dict) -> set[str]:
    """Names of the js files that `js` objects and `jsui` boxes of a patcher load."""
    names = set()
    for item in patcher.get("boxes", ()):
        box = item["box"]
        if box.get("maxclass") in ("jsui", "v8ui"):
            names.add(box["filename"])
        words = box.get("text", "").split()
        if box.get("maxclass") == "newobj" and len(words) > 1 and words[0] in ("js", "v8"):
            names.add(words[1] if PurePath(words[1]).suffix else words[1] + ".js")
    return names


def _chunk(fourcc: bytes, payload: bytes) -> bytes:
    return fourcc + struct.pack("<I", len(payload)) + payload


def _read_chunk(data: bytes, at: int, fourcc: bytes) -> tuple[bytes, int]:
    if data[at : at + 4] != fourcc:
        raise AmxdError(f"expected chunk {fourcc!r} at byte {at}, received {data[at:at + 4]!r}")
    length = int.from_bytes(data[at + 4 : at + 8], "little")
    payload = data[at + 8 : at + 8 + length]
    if len(payload) != length:
        raise AmxdError(f"chunk {fourcc!r} announces {length} bytes, the file has {len(payload)}")
    return payload, at + 8 + length


def _field(fourcc: bytes, payload: bytes) -> bytes:
    return fourcc + struct.pack(">I", len(payload) + 8) + payload  # the size counts its own 8-byte header


def _name_field(name: str) -> bytes:
    raw = name.encode("utf-8", "surrogateescape") + b"\0"
    return raw + b"\0" * (-len(raw) % 4)


def _pack_archive(entries: tuple[Entry, ...]) -> bytes:
    bodies, directory, offset = b"", b"", ARCHIVE_HEADER
    for entry in entries:
        number = {
            b"sz32": len(entry.body),
            b"of32": offset,
            b"vers": entry.version,
            b"flag": entry.flag,
            b"mdat": entry.modified + MAC_EPOCH,
        }
        fields = _field(b"type", entry.kind.encode("latin-1")) + _field(b"fnam", _name_field(entry.name))
        fields += b"".join(_field(key, struct.pack(">I", value)) for key, value in number.items())
        directory += _field(b"dire", fields)
        bodies += entry.body
        offset += len(entry.body)
    return b"mx@c" + struct.pack(">III", ARCHIVE_HEADER, 0, offset) + bodies + _field(b"dlst", directory)


def _unpack_archive(payload: bytes) -> tuple[Entry, ...]:
    if len(payload) < ARCHIVE_HEADER:
        raise AmxdError(f"a frozen payload has at least {ARCHIVE_HEADER} bytes, this has {len(payload)}")
    directory_at = int.from_bytes(payload[12:16], "big")
    directory = _fields(payload, directory_at, len(payload))
    if [key for key, _, _ in directory] != [b"dlst"]:
        raise AmxdError(f"expected one directory (dlst) at byte {directory_at} of the frozen payload")
    _, start, end = directory[0]
    entries = []
    for key, entry_start, entry_end in _fields(payload, start, end):
        found = {name: payload[a:b] for name, a, b in _fields(payload, entry_start, entry_end)}
        if key != b"dire" or tuple(found) != ENTRY_FIELDS:
            raise AmxdError(f"a directory entry has the fields {ENTRY_FIELDS}, this has {tuple(found)}")
        number = {name: int.from_bytes(found[name], "big") for name in ENTRY_FIELDS[2:]}
        body = payload[number[b"of32"] : number[b"of32"] + number[b"sz32"]]
        entries.append(
            Entry(
                found[b"fnam"].rstrip(b"\0").decode("utf-8", "surrogateescape"),
                body,
                found[b"type"].decode("latin-1"),
                number[b"flag"],
                number[b"mdat"] - MAC_EPOCH,
                number[b"vers"],
            )
        )
    if not entries:
        raise AmxdError("the frozen payload's directory is empty")
    return tuple(entries)


def _fields(data: bytes, at: int, end: int) -> list[tuple[bytes, int, int]]:
    """(FOURCC, start, end) of each payload between `at` and `end`."""
    fields = []
    while at < end:
        size = int.from_bytes(data[at + 4 : at + 8], "big")
        if size < 8 or at + size > end:
            raise AmxdError(f"field {data[at:at + 4]!r} at byte {at} announces {size} bytes, {end - at} are left")
        fields.append((data[at : at + 4], at + 8, at + size))
        at += size
    return fields
