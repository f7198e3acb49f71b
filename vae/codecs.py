"""Clips as the token sequences the models see, and back (paper section 2 and appendix "Dataset").

A token sequence has one column (stream) per part and one row per sixteenth note. Melodic streams have 130 classes:
0-127 start that pitch, HOLD keeps it sounding, REST is silence. The drum stream has 512: bit i is set when kind i of
`DRUM_KINDS` is hit. Sequences are canonical when every HOLD follows a note: a hold after silence is a rest.
"""
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from vae.errors import did_you_mean
from vae.notes import BEATS_PER_BAR, STEPS_PER_BAR, STEPS_PER_BEAT, Clip, Note

HOLD = 128
REST = 129
MELODY_CLASSES = 130

# Nine kinds of hits (paper section 2.1); the first pitch of each is the one written out. Numbers above and below the
# General MIDI kit are what real kits send: Roland's extra hi-hat and rim zones, GS and XG percussion.
DRUM_KINDS: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("kick", (36, 35)),
    ("snare", (38, 27, 28, 31, 32, 33, 34, 37, 39, 40, 56, 65, 66, 75, 85)),
    ("closed hi-hat", (42, 44, 54, 68, 69, 70, 71, 73, 78, 80, 22)),
    ("open hi-hat", (46, 67, 72, 74, 79, 81, 26)),
    ("low tom", (45, 29, 41, 43, 61, 64, 84)),
    ("mid tom", (48, 47, 60, 63, 77, 86, 87)),
    ("high tom", (50, 30, 62, 76, 83)),
    ("crash", (49, 52, 55, 57, 58)),
    ("ride", (51, 53, 59, 82)),
)
DRUM_CLASSES = 1 << len(DRUM_KINDS)
_DRUM_BITS = np.zeros(128, np.int32)  # pitch -> the bit of its kind, 0 for pitches of no kind
for _bit, (_, _pitches) in enumerate(DRUM_KINDS):
    _DRUM_BITS[list(_pitches)] = 1 << _bit


def melody_tokens(starts: np.ndarray, ends: np.ndarray, pitches: np.ndarray, steps: int) -> np.ndarray:
    """One melodic stream from notes on the sixteenth grid: int32 [steps].

    Of notes that start together the highest is taken, and every start ends the note before it. Notes that start
    outside [0, steps) are left out; every other one sounds for a step at least.

    Args:
        starts, ends: first step of each note and the step after its last. Shape [n].
        pitches: 0-127. Shape [n].
    """
    inside = (starts >= 0) & (starts < steps)
    starts, pitches = starts[inside], pitches[inside]
    ends = np.clip(np.maximum(ends[inside], starts + 1), 0, steps)
    order = np.lexsort((-ends, -pitches, starts))
    starts, ends, pitches = starts[order], ends[order], pitches[order]
    winners = np.ones(len(starts), bool)
    winners[1:] = starts[1:] != starts[:-1]
    starts, ends, pitches = starts[winners], ends[winners], pitches[winners]
    ends[:-1] = np.minimum(ends[:-1], starts[1:])

    sounding = np.zeros(steps + 1, np.int32)
    np.add.at(sounding, starts, 1)
    np.add.at(sounding, ends, -1)
    tokens = np.where(np.cumsum(sounding[:steps]) > 0, HOLD, REST).astype(np.int32)
    tokens[starts] = pitches
    return tokens


def drum_tokens(starts: np.ndarray, pitches: np.ndarray, steps: int) -> np.ndarray:
    """The drum stream from hits on the sixteenth grid: int32 [steps]. Pitches of no kind are left out.

    Args:
        starts: step of each hit, those outside [0, steps) are left out. Shape [n].
        pitches: 0-127. Shape [n].
    """
    inside = (starts >= 0) & (starts < steps)
    tokens = np.zeros(steps, np.int32)
    np.bitwise_or.at(tokens, starts[inside], _DRUM_BITS[pitches[inside]])
    return tokens


def canonical_melody(tokens: np.ndarray) -> np.ndarray:
    """Turn every hold that follows no note into a rest. Shape [..., steps], any number of sequences at once."""
    index = np.arange(tokens.shape[-1])
    last_change = np.maximum.accumulate(np.where(tokens != HOLD, index, -1), axis=-1)
    before = np.take_along_axis(tokens, np.maximum(last_change, 0), axis=-1)
    silent = (last_change < 0) | (before == REST)
    return np.where((tokens == HOLD) & silent, REST, tokens).astype(tokens.dtype)


@dataclass(frozen=True)
class Codec:
    """Clip <-> tokens for one task. parts: the part of each stream."""

    task: str
    bars: int
    parts: tuple[str, ...]

    @property
    def steps(self) -> int:
        return self.bars * STEPS_PER_BAR

    @property
    def beats(self) -> float:
        return float(self.bars * BEATS_PER_BAR)

    @property
    def classes(self) -> tuple[int, ...]:
        return tuple(DRUM_CLASSES if part == "drums" else MELODY_CLASSES for part in self.parts)

    def encode(self, clip: Clip) -> np.ndarray:
        """Tokens of a clip, its times rounded to the nearest sixteenth: int32 [steps, streams].

        Only notes of this task's parts are read, and drums only where their pitch belongs to a kind. A note that
        rounds up to the very end is left out (it belongs to the next bar).

        Raises:
            ValueError: the clip is longer than `beats`, or has a note outside its own length or outside 0-127.
        """
        if not clip.beats <= self.beats:
            raise ValueError(f"{self.task} holds clips of at most {self.beats:g} beats, received {clip.beats:g}")
        for note in clip.notes:
            if not 0 <= note.start <= clip.beats or not 0 <= note.duration < float("inf"):
                raise ValueError(f"notes must start within the clip's {clip.beats:g} beats, received {note}")
            if not 0 <= note.pitch <= 127:
                raise ValueError(f"pitches are 0-127, received {note}")
        return np.stack([self._stream(clip, part) for part in self.parts], axis=-1)

    def _stream(self, clip: Clip, part: str) -> np.ndarray:
        notes = [note for note in clip.notes if note.part == part]
        pitches = np.array([note.pitch for note in notes], np.int64)
        starts = quantize_beats([note.start for note in notes])
        if part == "drums":
            return drum_tokens(starts, pitches, self.steps)
        ends = quantize_beats([note.start + note.duration for note in notes])
        return melody_tokens(starts, ends, pitches, self.steps)

    def decode(self, tokens: np.ndarray, velocity: int = 100) -> Clip:
        """The clip that a token sequence says. Holds without a note are rests; hits last one step.

        Args:
            tokens: class of every step and stream. Shape [steps, streams].
            velocity: 1-127, given to every note.
        """
        tokens = np.asarray(tokens)
        if tokens.shape != (self.steps, len(self.parts)):
            raise ValueError(f"{self.task} takes tokens of shape {(self.steps, len(self.parts))}, "
                             f"received {tokens.shape}")
        notes = []
        for part, classes, column in zip(self.parts, self.classes, tokens.T):
            if column.min() < 0 or column.max() >= classes:
                raise ValueError(f"{part} classes are 0-{classes - 1}, received {column.min()}-{column.max()}")
            notes += _drum_notes(column, velocity) if part == "drums" else _melody_notes(part, column, velocity)
        return Clip.of(self.beats, notes)


def quantize_beats(beats) -> np.ndarray:
    """The nearest sixteenth (halves round up) of times in beats: int64 [n]."""
    return np.floor(np.asarray(beats, np.float64) * STEPS_PER_BEAT + 0.5).astype(np.int64)


def _drum_notes(column: np.ndarray, velocity: int) -> list[Note]:
    return [Note("drums", pitches[0], int(step) / STEPS_PER_BEAT, 1 / STEPS_PER_BEAT, velocity)
            for bit, (_, pitches) in enumerate(DRUM_KINDS) for step in np.flatnonzero(column >> bit & 1)]


def _melody_notes(part: str, column: np.ndarray, velocity: int) -> list[Note]:
    boundaries = [*np.flatnonzero(column != HOLD), len(column)]
    return [Note(part, int(column[start]), int(start) / STEPS_PER_BEAT, int(stop - start) / STEPS_PER_BEAT, velocity)
            for start, stop in pairwise(boundaries) if column[start] != REST]


CODECS = {codec.task: codec for codec in (
    Codec("drums_2bar", 2, ("drums",)),
    Codec("melody_2bar", 2, ("melody",)),
    Codec("melody_32bar", 32, ("melody",)),
    Codec("trio_16bar", 16, ("lead", "bass", "drums")),
)}


def codec(task: str) -> Codec:
    """The codec of a task. Raises ValueError for an unknown one, naming the nearest."""
    if task not in CODECS:
        raise ValueError(f"unknown task {task!r}{did_you_mean(task, CODECS)}; tasks: {', '.join(CODECS)}")
    return CODECS[task]
