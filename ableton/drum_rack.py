"""Drum racks: which pad plays which of the nine kinds of hits, for reading a user's clip and for writing one.

A map is a YAML file with a line per kind, a pad or a list of pads (MIDI notes; the first is written, all are read):

    kick: 36
    snare: [38, 40]

Kinds that it leaves out keep the pads of General MIDI, except those that another kind was given.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from vae.codecs import DRUM_KINDS
from vae.errors import did_you_mean
from vae.notes import Note

KINDS = tuple(name for name, _ in DRUM_KINDS)


class DrumMapError(ValueError):
    """A drum map that cannot be used; the message names the line and what is allowed."""


@dataclass(frozen=True)
class DrumMap:
    """written: pad of each kind, in the order of KINDS. kinds: kind of each pad that is read, as an index of KINDS."""

    written: tuple[int, ...]
    kinds: dict[int, int]

    def to_rack(self, notes: Iterable[Note]) -> list[Note]:
        """Notes at the models' pitches as notes at the rack's pads. Other parts pass."""
        return [note._replace(pitch=self.written[_MODEL_KIND[note.pitch]])
                if note.part == "drums" and note.pitch in _MODEL_KIND else note for note in notes]

    def from_rack(self, notes: Iterable[Note]) -> list[Note]:
        """Notes at the rack's pads as drum notes at the models' pitches; pads of no kind are left out."""
        return [note._replace(part="drums", pitch=DRUM_KINDS[self.kinds[note.pitch]][1][0])
                for note in notes if note.pitch in self.kinds]


_MODEL_KIND = {pitch: kind for kind, (_, pitches) in enumerate(DRUM_KINDS) for pitch in pitches}
GENERAL_MIDI = DrumMap(tuple(pitches[0] for _, pitches in DRUM_KINDS), dict(_MODEL_KIND))


def read_map(path: Path | None) -> DrumMap:
    """A drum map from YAML; General MIDI for None. Raises DrumMapError."""
    if path is None:
        return GENERAL_MIDI
    try:
        lines = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DrumMapError(f"{path} cannot be read as YAML: {error}") from None
    if not isinstance(lines, dict):
        raise DrumMapError(f"{path}: lines `kind: pad` expected, received {type(lines).__name__}")
    given: dict[int, list[int]] = {}
    for name, pads in lines.items():
        if name not in KINDS:
            raise DrumMapError(f"{path}: unknown kind {name!r}{did_you_mean(name, KINDS)}; kinds: {', '.join(KINDS)}")
        given[KINDS.index(name)] = _pads(path, name, pads)
    kinds: dict[int, int] = {}
    for kind, pads in given.items():
        for pad in pads:
            if pad in kinds:
                raise DrumMapError(f"{path}: pad {pad} is given to {KINDS[kinds[pad]]} and to {KINDS[kind]}")
            kinds[pad] = kind
    written = []
    for kind, (name, pitches) in enumerate(DRUM_KINDS):
        free = given.get(kind) or [pitch for pitch in pitches if pitch not in kinds]
        if not free:
            raise DrumMapError(f"{path}: no pad is left for {name}: give it one")
        written.append(free[0])
        kinds.update({pad: kind for pad in free if pad not in kinds})
    return DrumMap(tuple(written), kinds)


def _pads(path: Path, name: str, pads: object) -> list[int]:
    listed = pads if isinstance(pads, list) else [pads]
    good = [pad for pad in listed if isinstance(pad, int) and not isinstance(pad, bool) and 0 <= pad <= 127]
    if not listed or good != listed:
        raise DrumMapError(f"{path}: {name}: a pad or a list of pads from 0 to 127 expected, received {pads!r}")
    return listed
