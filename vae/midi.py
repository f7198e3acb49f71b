"""Standard MIDI Files as notes in ticks: the one reader behind data sets and user clips.

Why not a library: files found in the wild must be read whole or refused with a reason, and both candidates
change the music silently. mido 1.3.3 drops the delta time of every meta event it does not know (all later notes
move), refuses whole files over an invalid key-signature byte or a foreign chunk, and is eight times slower than this
module; symusic 0.6 drops notes that are never switched off, wraps time at 2^31 ticks and forgets programs set on
another track. The tests compare this reader with both on what they read right. mido writes files.
"""
from dataclasses import dataclass
from pathlib import Path

import numpy as np

DRUM_CHANNEL = 9  # "channel 10", counted from 0
MAX_BYTES = 4 << 20  # twenty times a whole string quartet; more is a stress test, not music
MAX_BEATS = 20_000  # 2.8 hours at 120 beats a minute; bounds the memory that one absurd delta time can ask for
START, END, PITCH, VELOCITY = range(4)  # the columns of `Instrument.notes`


class MidiError(ValueError):
    """A file that cannot be read. `reason` is a short class of fault to count by; the message adds the detail."""

    def __init__(self, reason: str, detail: str = ""):
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


@dataclass(frozen=True)
class Instrument:
    """The notes of one (track, channel, program). notes: int64 [n, 4], start and end in ticks, pitch, velocity."""

    track: int
    name: str  # of the track, or ""
    channel: int  # 0-15
    program: int  # 0-127; 0 when the file sets none
    notes: np.ndarray

    @property
    def is_drum(self) -> bool:
        return self.channel == DRUM_CHANNEL


@dataclass(frozen=True)
class Song:
    """What one file holds. meters: (tick, numerator, denominator), in time order; end: the last tick of any track."""

    ticks_per_beat: int
    meters: tuple[tuple[int, int, int], ...]
    instruments: tuple[Instrument, ...]
    end: int


def read_song(path: Path | str) -> Song:
    """Read a Standard MIDI File of type 0 or 1.

    A note still sounding when its pitch starts again on the same track and channel ends there; one that is never
    switched off ends with its track. A channel without a program change on the track of a note takes the first one
    of any other track, else program 0.

    Raises:
        MidiError: unreadable, not a MIDI file, truncated, corrupt events, type 2, SMPTE time division, too large
            (over 4 MiB) or too long (over 20,000 beats).
    """
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise MidiError("unreadable", error.strerror or str(error)) from error
    if len(data) > MAX_BYTES:
        raise MidiError("too large", f"at most {MAX_BYTES} bytes are read")
    return parse_song(data)


def parse_song(data: bytes) -> Song:
    """`read_song` for bytes in memory."""
    if data[:4] == b"RIFF" and data[8:12] == b"RMID":  # Microsoft's wrapper: the MIDI file is its `data` chunk
        data = data[data.find(b"MThd", 12):] if b"MThd" in data else b""
    if data[:4] != b"MThd":
        raise MidiError("not a MIDI file", f"it starts with {data[:4]!r}, not b'MThd'")
    if len(data) < 14:
        raise MidiError("truncated", "the header is cut off")
    kind, division = int.from_bytes(data[8:10], "big"), int.from_bytes(data[12:14], "big")
    if kind == 2:
        raise MidiError("type 2", "its sequences have no common time")
    if kind > 2:
        raise MidiError("corrupt header", f"types are 0, 1 and 2, received {kind}")
    if division & 0x8000:
        raise MidiError("SMPTE time division", "it has no beats")
    if division == 0:
        raise MidiError("corrupt header", "0 ticks a beat")

    tracks = [_read_track(data, start, stop, division * MAX_BEATS) for start, stop in _track_chunks(data)]
    meters = {tick: meter for track in tracks for tick, meter in track.meters}
    return Song(division, tuple((tick, *meters[tick]) for tick in sorted(meters)), _instruments(tracks),
                max((track.end for track in tracks), default=0))


def _track_chunks(data: bytes):
    """Yield (start, stop) of every track. Foreign chunks and trailing bytes are skipped, as the standard asks."""
    position = 8 + int.from_bytes(data[4:8], "big")
    while position + 8 <= len(data):
        name, size = data[position:position + 4], int.from_bytes(data[position + 4:position + 8], "big")
        position += 8
        if name == b"MTrk":
            if position + size > len(data):
                raise MidiError("truncated", f"a track of {size} bytes has only {len(data) - position}")
            yield position, position + size
        position += size


@dataclass
class _Track:
    name: str
    notes: list[tuple[int, int, int, int, int, int]]  # channel, program or -1, start, end, pitch, velocity
    meters: list[tuple[int, tuple[int, int]]]
    programs: list[tuple[int, int, int]]  # tick, channel, program
    end: int


def _read_track(data: bytes, position: int, stop: int, last_tick: int) -> _Track:
    """One pass over the events of a track. Written as one flat loop because it is the hot spot of `dataset build`."""
    tick, status, name = 0, 0, ""
    program = [-1] * 16
    sounding: dict[int, tuple[int, int, int, bool]] = {}  # channel << 7 | pitch -> start, velocity, program, cut in
    notes, meters, programs = [], [], []
    try:
        while position < stop:
            byte = data[position]
            position += 1
            delta = byte & 0x7F
            if byte & 0x80:
                delta, position = _variable_length(data, position - 1)
            tick += delta
            if data[position] & 0x80:
                event = data[position]
                position += 1
                if event < 0xF0:
                    status = event
            elif status:
                event = status  # running status; metas and sysex between do not cancel it, as many writers assume
            else:
                raise MidiError("corrupt events", "running status without a status")

            if event < 0xF0:
                first = data[position]
                position += 1
                second = 0
                if not 0xC0 <= event < 0xE0:
                    second = data[position]
                    position += 1
                if event < 0xA0:
                    if (first | second) & 0x80:
                        raise MidiError("corrupt events", f"a note of {first}, {second} (allowed: 0-127)")
                    channel = event & 0x0F
                    key = channel << 7 | first
                    old = sounding.get(key)
                    if event >= 0x90 and second:
                        if old is not None and old[0] < tick:
                            notes.append((channel, old[2], old[0], tick, first, old[1]))
                        sounding[key] = (tick, second, program[channel], old is not None)
                    elif old is not None:
                        if old[3] and old[0] == tick:  # the note-off of the note before, written after the new note-on
                            sounding[key] = (*old[:3], False)
                        else:
                            del sounding[key]
                            notes.append((channel, old[2], old[0], tick, first, old[1]))
                elif event & 0xF0 == 0xC0:
                    program[event & 0x0F] = min(first, 127)  # converters from other formats do write more
                    programs.append((tick, event & 0x0F, min(first, 127)))
            elif event == 0xFF:
                kind = data[position]
                size, position = _variable_length(data, position + 1)
                if kind == 0x2F:
                    break
                if kind == 0x58 and size >= 2:
                    meters.append((tick, (data[position], 1 << data[position + 1])))
                elif kind == 0x03 and not name:
                    name = data[position:position + size].decode("latin-1")
                position += size
            elif event in (0xF0, 0xF7):
                size, position = _variable_length(data, position)
                position += size
            else:
                raise MidiError("corrupt events", f"status 0x{event:02X} is not allowed in a file")
    except IndexError:
        raise MidiError("truncated", "an event is cut off") from None
    if position > stop:
        raise MidiError("corrupt events", "an event reaches past its track")
    if tick > last_tick:
        raise MidiError("too long", f"at most {MAX_BEATS} beats are read")
    notes += [(key >> 7, note[2], note[0], tick, key & 0x7F, note[1]) for key, note in sounding.items()]
    return _Track(name, notes, meters, programs, tick)


def _variable_length(data: bytes, position: int) -> tuple[int, int]:
    """Decode a variable-length quantity of at most four bytes. Returns (value, position after it)."""
    value = 0
    for index in range(position, position + 4):
        byte = data[index]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, index + 1
    raise MidiError("corrupt events", "a variable-length quantity of more than four bytes")


def _instruments(tracks: list[_Track]) -> tuple[Instrument, ...]:
    defaults = {channel: program for _, channel, program in
                sorted((change for track in tracks for change in track.programs), key=lambda change: -change[0])}
    instruments = []
    for index, track in enumerate(tracks):
        groups: dict[tuple[int, int], list] = {}
        for channel, program, *note in track.notes:
            program = program if program >= 0 else defaults.get(channel, 0)
            groups.setdefault((channel, program), []).append(note)
        for (channel, program), notes in sorted(groups.items()):
            array = np.array(notes, np.int64)
            order = np.lexsort((array[:, PITCH], array[:, START]))
            instruments.append(Instrument(index, track.name, channel, program, array[order]))
    return tuple(instruments)
