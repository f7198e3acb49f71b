"""MIDI files for tests: written byte by byte (so that they can be wrong), and real ones with open licences."""
import struct
from pathlib import Path

_FIXTURES = Path(__file__).parents[1] / "fixtures" / "midi"
SONGS = {
    "freedoom": _FIXTURES / "freedoom" / "d_dm14.mid",
    "freedoom, earlier version": _FIXTURES / "freedoom" / "v0.10_countd_7adcb242.mid",
    "drummer": _FIXTURES / "gmd" / "8_rock_135_beat_4-4.mid",
    "reel": _FIXTURES / "irish-mit" / "irish_00000.mid",
    "drum machine": _FIXTURES / "drum-machine-patterns-mit" / "handley260_RockBreak7.mid",
    "song in 3/4": _FIXTURES / "openscore-lieder" / "reichardt_wohl_dem_mann.mid",
}


def file(*tracks: bytes, kind: int = 1, division: int = 480) -> bytes:
    return b"MThd" + struct.pack(">IHHH", 6, kind, len(tracks), division) + b"".join(tracks)


def track(*events: tuple[int, bytes], end: int = 0) -> bytes:
    """A track chunk of (delta time, bytes) events; end: the delta of the end-of-track event."""
    data = b"".join(_variable_length(delta) + event for delta, event in (*events, (end, b"\xff\x2f\x00")))
    return b"MTrk" + struct.pack(">I", len(data)) + data


def _variable_length(value: int) -> bytes:
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(value & 0x7F | 0x80)
    return bytes(reversed(digits))


def on(pitch: int, velocity: int = 90, channel: int = 0) -> bytes:
    return bytes([0x90 | channel, pitch, velocity])


def off(pitch: int, channel: int = 0) -> bytes:
    return bytes([0x80 | channel, pitch, 0])


def program(number: int, channel: int = 0) -> bytes:
    return bytes([0xC0 | channel, number])


def meter(numerator: int, denominator: int) -> bytes:
    return bytes([0xFF, 0x58, 4, numerator, denominator.bit_length() - 1, 24, 8])
