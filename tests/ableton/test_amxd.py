"""The .amxd container against its byte-level facts, written out by hand here and nowhere derived from the module."""

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ableton import amxd

PATCHER = {"fileversion": 1, "boxes": [], "lines": [], "project": {"amxdtype": 1835887981}}


def hand_made_unfrozen(body: bytes = b'{\n\t"patcher" : {}\n}\n\0', fourcc: bytes = b"mmmm", meta: int = 0) -> bytes:
    return b"ampf\x04\0\0\0" + fourcc + b"meta\x04\0\0\0" + bytes([meta, 0, 0, 0]) + b"ptch" + struct.pack(
        "<I", len(body)) + body


def hand_made_frozen(files: list[tuple[bytes, bytes, bytes, int]], mdat: int = 0xE0000000) -> bytes:
    """Files as (type, name, body, flag), laid out as the facts say, field by field."""
    payload = b"".join(body for _, _, body, _ in files)
    directory, at = b"", 16
    for kind, name, body, flag in files:
        padded = name + b"\0" * (4 - len(name) % 4)
        entry = b"type" + struct.pack(">I", 12) + kind
        entry += b"fnam" + struct.pack(">I", 8 + len(padded)) + padded
        for key, value in ((b"sz32", len(body)), (b"of32", at), (b"vers", 0), (b"flag", flag), (b"mdat", mdat)):
            entry += key + struct.pack(">II", 12, value)
        directory += b"dire" + struct.pack(">I", 8 + len(entry)) + entry
        at += len(body)
    archive = b"mx@c" + struct.pack(">III", 16, 0, at) + payload
    archive += b"dlst" + struct.pack(">I", 8 + len(directory)) + directory
    return b"ampf\x04\0\0\0mmmmmeta\x04\0\0\0\x07\0\0\0ptch" + struct.pack("<I", len(archive)) + archive


def test_unfrozen_bytes_are_the_hand_made_ones():
    data = amxd.pack(amxd.unfrozen("mmmm", PATCHER))
    assert data[:32] == b"ampf\x04\0\0\0mmmmmeta\x04\0\0\0\0\0\0\0ptch" + struct.pack("<I", len(data) - 32)
    assert data.endswith(b"}\n\0")
    assert json.loads(data[32:-1]) == {"patcher": PATCHER}


def test_frozen_bytes_are_the_hand_made_ones():
    device = amxd.frozen("mmmm", "A.amxd", PATCHER, {"abc.js": b"post(1);", "x.json": b"{}"}, 1_700_000_000)
    files = [(b"JSON", b"A.amxd", device.patcher, 17), (b"TEXT", b"abc.js", b"post(1);", 0),
             (b"JSON", b"x.json", b"{}", 0)]
    assert amxd.pack(device) == hand_made_frozen(files, 1_700_000_000 + 2_082_844_800)


@pytest.mark.parametrize("data", [
    hand_made_unfrozen(),
    hand_made_unfrozen(fourcc=b"natt", meta=1),
    hand_made_frozen([(b"JSON", b"abc.amxd", b'{"patcher":{}}\0', 17), (b"TEXT", b"a.js", b"", 0)]),
    hand_made_frozen([(b"JSON", b"a.amxd", b'{"patcher":{}}\n\0', 17), (b"JSON", b"sub.maxpat", b"{}", 0)], mdat=0),
])
def test_round_trip_of_hand_made_devices(data):
    assert amxd.pack(amxd.unpack(data)) == data


@given(st.lists(st.tuples(st.text("abcdefgh_.", min_size=1, max_size=9), st.binary(max_size=40)), max_size=4))
def test_round_trip_of_any_frozen_files(files):
    device = amxd.frozen("iiii", "Some Name.amxd", PATCHER, dict(files), 1_600_000_000)
    assert amxd.unpack(amxd.pack(device)) == device


@given(st.binary(max_size=80), st.integers(0, 200), st.integers(0, 255))
def test_damaged_bytes_raise_only_amxd_errors(tail, position, value):
    data = bytearray(hand_made_frozen([(b"JSON", b"a.amxd", b'{"patcher":{}}\0', 17), (b"TEXT", b"a.js", b"1", 0)]))
    data[position % len(data)] = value
    for damaged in (bytes(data), bytes(data[: position % len(data)]), bytes(data) + tail, tail):
        try:
            device = amxd.unpack(damaged)
        except amxd.AmxdError:
            continue
        assert amxd.pack(device) == damaged


def test_a_gap_in_the_archive_is_refused():
    data = hand_made_frozen([(b"JSON", b"a.amxd", b'{"patcher":{}}\0', 17)])
    with pytest.raises(amxd.AmxdError, match="does not account for"):
        amxd.unpack(data.replace(b"vers" + struct.pack(">II", 12, 0), b"vers" + struct.pack(">II", 12, 0)) + b"\0")


def test_verify_names_a_script_left_out():
    patcher = dict(PATCHER, boxes=[{"box": {"maxclass": "newobj", "text": "js gone.js"}},
                                   {"box": {"maxclass": "jsui", "filename": "here.js"}}])
    device = amxd.frozen("mmmm", "A.amxd", patcher, {"here.js": b""}, 0)
    assert amxd.verify(amxd.pack(device)) == ["gone.js is used by the patcher but not frozen into the device"]


def test_verify_names_a_wrong_type_and_a_missing_project():
    assert "amxdtype" in amxd.verify(amxd.pack(amxd.unfrozen("nagg", PATCHER)))[0]
    assert "project" in amxd.verify(amxd.pack(amxd.unfrozen("mmmm", {"boxes": []})))[0]
    assert amxd.verify(amxd.pack(amxd.unfrozen("mmmm", PATCHER))) == []


def test_type_numbers():
    numbers = {"mmmm": 1835887981, "aaaa": 1633771873, "iiii": 1768515945, "nagg": 1851877223, "natt": 1851880564}
    assert {fourcc: amxd.amxdtype(fourcc) for fourcc in numbers} == numbers
