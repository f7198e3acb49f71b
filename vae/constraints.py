"""What a musician asks of a clip beside its model: key, range, density, velocity and length.

Key, range and density act while a clip is decoded, as a bias added to the logits of every class before the softmax, so the
model itself chooses among what is allowed and goes on from there; nothing is moved or deleted afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from vae.codecs import DRUM_KINDS, Codec

FORBIDDEN = -1e9  # added to a logit, this leaves no probability in float32
NEUTRAL_DENSITY = 0.5
NOTE_DENSITY_NATS = 6.0  # at density 0 or 1 the odds of a note-on against hold or rest change by e^-6 or e^6
HIT_DENSITY_NATS = 3.0  # the same per drum hit: a step of three hits gets three times as much
PITCHES = 128

# Semitones above the root. The names are those of Live 12's scale menu, so that a device can pass on what Live says.
SCALES: dict[str, tuple[int, ...]] = {
    "Major": (0, 2, 4, 5, 7, 9, 11),
    "Minor": (0, 2, 3, 5, 7, 8, 10),
    "Dorian": (0, 2, 3, 5, 7, 9, 10),
    "Mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "Lydian": (0, 2, 4, 6, 7, 9, 11),
    "Phrygian": (0, 1, 3, 5, 7, 8, 10),
    "Locrian": (0, 1, 3, 5, 6, 8, 10),
    "Whole Tone": (0, 2, 4, 6, 8, 10),
    "Half-whole Dim.": (0, 1, 3, 4, 6, 7, 9, 10),
    "Whole-half Dim.": (0, 2, 3, 5, 6, 8, 9, 11),
    "Minor Blues": (0, 3, 5, 6, 7, 10),
    "Minor Pentatonic": (0, 3, 5, 7, 10),
    "Major Pentatonic": (0, 2, 4, 7, 9),
    "Harmonic Minor": (0, 2, 3, 5, 7, 8, 11),
    "Harmonic Major": (0, 2, 4, 5, 7, 8, 11),
    "Dorian #4": (0, 2, 3, 6, 7, 9, 10),
    "Phrygian Dominant": (0, 1, 4, 5, 7, 8, 10),
    "Melodic Minor": (0, 2, 3, 5, 7, 9, 11),
    "Lydian Augmented": (0, 2, 4, 6, 8, 9, 11),
    "Lydian Dominant": (0, 2, 4, 6, 7, 9, 10),
    "Super Locrian": (0, 1, 3, 4, 6, 8, 10),
    "8-Tone Spanish": (0, 1, 3, 4, 5, 6, 8, 10),
    "Bhairav": (0, 1, 4, 5, 7, 8, 11),
    "Hungarian Minor": (0, 2, 3, 6, 7, 8, 11),
    "Hirajoshi": (0, 2, 3, 7, 8),
    "In-Sen": (0, 1, 5, 7, 10),
    "Iwato": (0, 1, 5, 6, 10),
    "Kumoi": (0, 2, 3, 7, 9),
    "Pelog Selisir": (0, 1, 3, 7, 8),
    "Pelog Tembung": (0, 1, 5, 7, 8),
    "Messiaen 3": (0, 2, 3, 4, 6, 7, 8, 10, 11),
    "Messiaen 4": (0, 1, 2, 5, 6, 7, 8, 11),
    "Messiaen 5": (0, 1, 5, 6, 7, 11),
    "Messiaen 6": (0, 2, 4, 5, 6, 8, 10, 11),
    "Messiaen 7": (0, 1, 2, 3, 5, 6, 7, 8, 9, 11),
    "Chromatic": tuple(range(12)),
}


def scale_name(name: str) -> str | None:
    """The name in SCALES that `name` means, whatever its case; None when there is none. Live writes "Messaien"."""
    wanted = name.casefold().replace("messaien", "messiaen")
    return next((known for known in SCALES if known.casefold() == wanted), None)


@dataclass(frozen=True)
class Constraints:
    """What is asked of each clip of a request.

    root: pitch class of the scale's first note, 0 = C. A root without a scale means Major.
    scale: a name in SCALES; None allows every pitch. A scale without a root starts on C.
    low, high: lowest and highest pitch allowed, for drums of the kinds' written pitches.
    density: 0-1; 0.5 leaves the model alone, less gives fewer notes, more gives more.
    velocity: 1-127, of every note.
    bars: length of a clip; None is the model's own.
    """

    root: int | None = None
    scale: str | None = None
    low: int = 0
    high: int = PITCHES - 1
    density: float = NEUTRAL_DENSITY
    velocity: int = 100
    bars: int | None = None

    def allowed_pitches(self) -> np.ndarray:
        """Which pitches scale and range allow. Shape [128], bool."""
        pitches = np.arange(PITCHES)
        allowed = (pitches >= self.low) & (pitches <= self.high)
        if self.scale is not None or self.root is not None:
            steps = SCALES[self.scale or "Major"]
            allowed &= np.isin((pitches - (self.root or 0)) % 12, steps)
        return allowed

    def describe(self) -> str:
        """Key and range in words, for messages."""
        key = "" if self.scale is None and self.root is None else f" in {self.scale or 'Major'} on {self.root or 0}"
        return f"pitches {self.low} to {self.high}{key}"

    @property
    def biased(self) -> bool:
        """Whether anything here acts on the distributions at all."""
        neutral = Constraints(velocity=self.velocity, bars=self.bars)
        return self != neutral


@lru_cache(maxsize=64)
def logit_bias(codec: Codec, constraints: Constraints) -> Sequence[np.ndarray] | None:
    """What to add to the logits of each of a codec's streams: one float32 array of shape [classes] a stream.

    None when the constraints leave the distributions alone. Raises ValueError when they leave a stream no note at all.
    """
    if not constraints.biased:
        return None
    biases = []
    for part in codec.parts:
        bias = _drum_bias(constraints) if part == "drums" else _pitch_bias(constraints)
        if bias is None:
            raise ValueError(f"no {part} note is allowed by {constraints.describe()}")
        biases.append(bias)
    return biases


def _pitch_bias(constraints: Constraints) -> np.ndarray | None:
    """Classes 0-127 are note-ons, 128 holds and 129 rests: only note-ons are forbidden or favoured. Shape [130]."""
    allowed = constraints.allowed_pitches()
    if not allowed.any():
        return None
    density = NOTE_DENSITY_NATS * (constraints.density - NEUTRAL_DENSITY) / NEUTRAL_DENSITY
    return np.concatenate([np.where(allowed, density, FORBIDDEN), [0.0, 0.0]]).astype(np.float32)


def _drum_bias(constraints: Constraints) -> np.ndarray | None:
    """Class c is the set of kinds whose bits are set in c; each hit adds its share. Shape [512]."""
    written = np.array([pitches[0] for _, pitches in DRUM_KINDS])
    allowed = (written >= constraints.low) & (written <= constraints.high)
    if not allowed.any():
        return None
    hits = (np.arange(2 ** len(written))[:, None] >> np.arange(len(written))) & 1  # [512, 9]
    density = HIT_DENSITY_NATS * (constraints.density - NEUTRAL_DENSITY) / NEUTRAL_DENSITY
    forbidden = (hits & ~allowed).any(axis=1)
    return np.where(forbidden, FORBIDDEN, density * hits.sum(axis=1)).astype(np.float32)
