"""A clip as the messages that carry it: begin, chunks of at most 60 notes of one part, end.

Messages are made once, in the worker process, and kept without their rid, because the same clip is sent under many: to
a client that repeats its request, and for every morph that lands on a grid's cell. They are kept compressed, since most
of a clip's bytes repeat: about a tenth of the memory for 20 microseconds at each use.
"""

import struct
import zlib
from typing import NamedTuple

from bridge.osc import INT, build_message
from bridge.protocol import NOTES_PER_MESSAGE
from vae.notes import PARTS, Clip

FRAME = struct.Struct(">HH")  # length of a message, and where its rid belongs


class PackedClip(NamedTuple):
    """The messages of one clip under no rid yet. count: how many: a begin, the chunks, an end. velocity: given to every
    note instead of its own."""

    count: int
    data: bytes
    velocity: int | None = None

    def messages(self, rid: int) -> list[bytes]:
        """The messages under a rid: [0] is the begin, [1 + seq] are the chunks, [-1] is the end."""
        data, number, messages, at = zlib.decompress(self.data), INT.pack(rid), [], 0
        while at < len(data):
            length, rid_at = FRAME.unpack_from(data, at)
            at += FRAME.size
            messages.append(data[at:at + rid_at] + number + data[at + rid_at + INT.size:at + length])
            if self.velocity is not None and 0 < len(messages) - 1 < self.count - 1:
                messages[-1] = _with_velocity(messages[-1], rid_at, self.velocity)
            at += length
        return messages


def note_chunks(clip: Clip) -> list[tuple[str, list[int | float]]]:
    """A clip's notes as (part, [pitch, start, duration, velocity, ...]), each small enough for one message."""
    chunks = []
    for part in PARTS:
        notes = [note for note in clip.notes if note.part == part]
        for first in range(0, len(notes), NOTES_PER_MESSAGE):
            chunks.append((part, [value for note in notes[first:first + NOTES_PER_MESSAGE] for value in
                                  (int(note.pitch), float(note.start), float(note.duration), int(note.velocity))]))
    return chunks


def pack_clip(clip: Clip, index: int, name: str) -> PackedClip:
    """The messages of clip `index` of a request."""
    chunks = note_chunks(clip)
    frames = [
        _frame("/vae/clip/begin", index, float(clip.beats), len(clip.notes), len(chunks), name),
        *(_frame("/vae/clip/notes", index, seq, part, *values) for seq, (part, values) in enumerate(chunks)),
        _frame("/vae/clip/end", index, len(clip.notes)),
    ]
    return PackedClip(len(frames), zlib.compress(b"".join(frames), 1))


def _with_velocity(message: bytes, rid_at: int, velocity: int) -> bytes:
    """A chunk with another velocity: the last of each note's four numbers, of which 1-127 is the last byte."""
    part_at = rid_at + 3 * INT.size  # after rid, index and seq
    notes_at = part_at + _padded_length(message.index(b"\0", part_at) - part_at)
    changed = bytearray(message)
    changed[notes_at + 4 * INT.size - 1::4 * INT.size] = bytes([velocity]) * ((len(message) - notes_at) // (4 * INT.size))
    return bytes(changed)


def _frame(address: str, *args: float | str) -> bytes:
    """A message whose first argument is a rid of 0, with its length and where the rid is."""
    message = build_message(address, 0, *args)
    tags = len(args) + 2  # the comma and the rid's own tag
    return FRAME.pack(len(message), _padded_length(len(address)) + _padded_length(tags)) + message


def _padded_length(length: int) -> int:
    """Bytes of an OSC string of that length: at least one NUL, up to a multiple of 4."""
    return length + 4 - length % 4
