"""A clip as the messages that carry it: begin, chunks of at most 60 notes of one part, end.

Messages are made once and kept without their rid, because the same clip is sent under many: to each client that repeats
a request, and for every morph that lands on a grid's cell.
"""

from typing import NamedTuple

from bridge.osc import INT, build_message
from bridge.protocol import NOTES_PER_MESSAGE
from vae.notes import PARTS, Clip


class Template(NamedTuple):
    """An OSC message in two parts, between which its rid is missing."""

    before: bytes
    after: bytes

    def fill(self, rid: int) -> bytes:
        """The message under a rid."""
        return self.before + INT.pack(rid) + self.after


def template(address: str, *args: float | str) -> Template:
    """A message whose first argument is the rid, still to be filled in; `args` are those after it."""
    message = build_message(address, 0, *args)
    tags = len(args) + 2  # the comma and the rid's own tag
    rid_at = _padded(len(address)) + _padded(tags)
    return Template(message[:rid_at], message[rid_at + INT.size:])


def _padded(length: int) -> int:
    """Bytes of an OSC string of that length: at least one NUL, up to a multiple of 4."""
    return length + 4 - length % 4


def note_chunks(clip: Clip) -> list[tuple[str, list[int | float]]]:
    """A clip's notes as (part, [pitch, start, duration, velocity, ...]), each small enough for one message."""
    chunks = []
    for part in PARTS:
        notes = [note for note in clip.notes if note.part == part]
        for first in range(0, len(notes), NOTES_PER_MESSAGE):
            chunks.append((part, [value for note in notes[first:first + NOTES_PER_MESSAGE] for value in
                                  (int(note.pitch), float(note.start), float(note.duration), int(note.velocity))]))
    return chunks


def clip_messages(clip: Clip, index: int, name: str) -> tuple[Template, ...]:
    """The messages of clip `index` of a request: [0] is its begin, [1 + seq] its chunks, [-1] its end."""
    chunks = note_chunks(clip)
    return (
        template("/vae/clip/begin", index, float(clip.beats), len(clip.notes), len(chunks), name),
        *(template("/vae/clip/notes", index, seq, part, *values) for seq, (part, values) in enumerate(chunks)),
        template("/vae/clip/end", index, len(clip.notes)),
    )
