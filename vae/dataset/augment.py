"""Augmentation: new examples from the examples of a batch, drawn afresh at every step of training.

Each function takes a batch of tokens, int32 [B, T, K], with a NumPy random generator and the codec of the task, and
returns a new batch of that shape. It draws for every example by itself. `transpose` is the paper's (appendix
"Dataset"); the others are ours, for data sets of thousands instead of millions of examples, and each keeps music what
it was: bars stay whole, beats stay on beats, a drum lane stays a pattern that somebody played.

A training config names them: `augment: [transpose, join_halves:0.3]`. The number is the share of the examples that are
changed; `DEFAULT_SHARES` has the others.
"""
import functools
from collections.abc import Callable
from itertools import permutations

import numpy as np

from vae.codecs import DRUM_CLASSES, DRUM_KINDS, HOLD, REST, Codec, canonical_melody, codec
from vae.dataset.extraction import short_rests
from vae.errors import did_you_mean
from vae.notes import STEPS_PER_BAR, STEPS_PER_BEAT

LOWEST_SHIFT, HIGHEST_SHIFT = -5, 6  # semitones, both included
_KINDS = [name for name, _ in DRUM_KINDS]


def _bits(*kinds: str) -> int:
    return sum(1 << _KINDS.index(kind) for kind in kinds)


_CYMBALS = _bits("closed hi-hat", "open hi-hat", "crash", "ride")
_TOMS = _bits("low tom", "mid tom", "high tom")


def transpose(tokens: np.ndarray, rng: np.random.Generator, codec: Codec) -> np.ndarray:
    """Shift all pitches of an example by one amount from [-5, 6], drums aside. Amounts that would take a pitch out of
    0-127 are not drawn."""
    lowest, highest = _range(tokens[..., _melodic(codec)])
    shifts = rng.integers(np.maximum(LOWEST_SHIFT, -lowest), np.minimum(HIGHEST_SHIFT, 127 - highest) + 1)
    return _shift(tokens, shifts, codec)


def octave(tokens: np.ndarray, rng: np.random.Generator, codec: Codec) -> np.ndarray:
    """Move all pitches an octave up or down, drums aside; examples without room for it stay."""
    lowest, highest = _range(tokens[..., _melodic(codec)])
    shifts = rng.choice([-12, 12], len(tokens))
    return _shift(tokens, np.where((lowest + shifts >= 0) & (highest + shifts <= 127), shifts, 0), codec)


def swap_halves(tokens: np.ndarray, rng: np.random.Generator, codec: Codec) -> np.ndarray:
    """Second half first: the two bars of a loop change places."""
    return _canonical(np.roll(tokens, tokens.shape[1] // 2, axis=1), codec)


def repeat_half(tokens: np.ndarray, rng: np.random.Generator, codec: Codec) -> np.ndarray:
    """Play one half, either, twice: a two-bar loop becomes a one-bar loop."""
    half = tokens.shape[1] // 2
    source = np.arange(tokens.shape[1]) % half + half * rng.integers(0, 2, (len(tokens), 1))
    return _canonical(np.take_along_axis(tokens, source[..., None], axis=1), codec)


def join_halves(tokens: np.ndarray, rng: np.random.Generator, codec: Codec) -> np.ndarray:
    """The first half of an example and the second half of another of the batch."""
    half = tokens.shape[1] // 2
    return _canonical(np.concatenate([tokens[:, :half], tokens[rng.permutation(len(tokens)), half:]], axis=1), codec)


def excerpt(tokens: np.ndarray, rng: np.random.Generator, codec: Codec, steps: int) -> np.ndarray:
    """A stretch of so many steps of every example, beginning with any of its bars. Returns [B, steps, K]."""
    starts = STEPS_PER_BAR * rng.integers(0, (tokens.shape[1] - steps) // STEPS_PER_BAR + 1, (len(tokens), 1))
    return _canonical(np.take_along_axis(tokens, (np.arange(steps) + starts)[..., None], axis=1), codec)


def rotate_beats(tokens: np.ndarray, rng: np.random.Generator, codec: Codec) -> np.ndarray:
    """Start the loop at another beat; what is before it follows at the end."""
    steps = tokens.shape[1]
    shifts = STEPS_PER_BEAT * rng.integers(1, steps // STEPS_PER_BEAT, (len(tokens), 1))
    return _canonical(np.take_along_axis(tokens, ((np.arange(steps) + shifts) % steps)[..., None], axis=1), codec)


def recombine_parts(tokens: np.ndarray, rng: np.random.Generator, codec: Codec) -> np.ndarray:
    """Trios: one of the parts is another example's of the batch."""
    taken = rng.integers(0, tokens.shape[2], (len(tokens), 1, 1)) == np.arange(tokens.shape[2])
    return np.where(taken, tokens[rng.permutation(len(tokens))], tokens)


def recombine_lanes(tokens: np.ndarray, rng: np.random.Generator, codec: Codec) -> np.ndarray:
    """Drums: kick and snare of an example under the cymbals, or the toms, or both, of another of the batch."""
    taken = rng.choice([_CYMBALS, _TOMS, _CYMBALS | _TOMS], (len(tokens), 1))
    drums = tokens[..., -1]
    return _with_drums(tokens, drums & ~taken | drums[rng.permutation(len(tokens))] & taken)


def drop_lane(tokens: np.ndarray, rng: np.random.Generator, codec: Codec) -> np.ndarray:
    """Drums: leave out one of the kinds that the example uses."""
    used = np.bitwise_or.reduce(tokens[..., -1], axis=1)[:, None] >> np.arange(len(_KINDS)) & 1
    lane = np.argmax(used * rng.random(used.shape), axis=1)
    return _with_drums(tokens, tokens[..., -1] & ~(1 << lane)[:, None])


def mirror_cymbals(tokens: np.ndarray, rng: np.random.Generator, codec: Codec) -> np.ndarray:
    """Drums: what the closed hi-hat plays goes to the ride, and the other way round."""
    return _with_drums(tokens, _moved_lanes((("closed hi-hat", "ride"), ("ride", "closed hi-hat")))[tokens[..., -1]])


def shuffle_toms(tokens: np.ndarray, rng: np.random.Generator, codec: Codec) -> np.ndarray:
    """Drums: the three toms change places."""
    toms = ("low tom", "mid tom", "high tom")
    tables = np.stack([_moved_lanes(tuple(zip(toms, order))) for order in permutations(toms)])
    return _with_drums(tokens, tables[rng.integers(0, len(tables), (len(tokens), 1)), tokens[..., -1]])


_MELODIC = (transpose, octave)
_SEVERAL_PARTS = (recombine_parts,)
_DRUMS = (recombine_lanes, drop_lane, mirror_cymbals, shuffle_toms)
FUNCTIONS = {function.__name__: function for function in
             (*_MELODIC, swap_halves, repeat_half, join_halves, rotate_beats, *_SEVERAL_PARTS, *_DRUMS)}
DEFAULT_SHARES = {name: 0.5 for name in FUNCTIONS} | {"transpose": 1.0}  # its draw holds "as it was" already


def by_name(text: str, task: str) -> Callable[[np.ndarray, np.random.Generator], np.ndarray]:
    """The augmentation that a config names, as a function of (tokens [B, T, K], rng) for one task.

    It changes a random share of the examples and puts back those that it left with a run of rests longer than a bar,
    which no example of a data set has.

    Args:
        text: the name of a function, or name:share with a share in (0, 1].
        task: the task of the examples.

    Raises:
        ValueError: an unknown name (the nearest is named), a share that is none, or drums for a task without drums.
    """
    name, _, share_text = text.partition(":")
    if name not in FUNCTIONS:
        raise ValueError(f"unknown augmentation {name!r}{did_you_mean(name, FUNCTIONS)}; there are: {', '.join(FUNCTIONS)}")
    function, task_codec = FUNCTIONS[name], codec(task)
    if (function in _DRUMS and "drums" not in task_codec.parts
            or function in _MELODIC and task_codec.parts == ("drums",)
            or function in _SEVERAL_PARTS and len(task_codec.parts) == 1):
        raise ValueError(f"augmentation {name!r} has nothing to change in {task}, whose parts are "
                         f"{', '.join(task_codec.parts)}")
    try:
        share = float(share_text) if share_text else DEFAULT_SHARES[name]
    except ValueError:
        share = -1.0
    if not 0 < share <= 1:
        raise ValueError(f"the share of {name!r} must be a number above 0, at most 1; received {share_text!r}")
    return functools.partial(_apply, function, share, task_codec)


def _apply(function: Callable, share: float, codec: Codec, tokens: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    changed = function(tokens, rng, codec)
    accepted = rng.random(len(tokens)) < share
    for stream, part in enumerate(codec.parts):
        accepted &= short_rests(changed[..., stream], 0 if part == "drums" else REST)
    return np.where(accepted[:, None, None], changed, tokens)


def _melodic(codec: Codec) -> list[int]:
    return [stream for stream, part in enumerate(codec.parts) if part != "drums"]


def _range(melodies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and highest pitch of each example, [B, T, K] -> [B], [B]; 60 and 60 without any."""
    pitched = melodies < HOLD
    lowest = np.where(pitched, melodies, 127).min(axis=(1, 2))
    highest = np.where(pitched, melodies, 0).max(axis=(1, 2))
    silent = ~pitched.any(axis=(1, 2))
    return np.where(silent, 60, lowest), np.where(silent, 60, highest)


def _shift(tokens: np.ndarray, shifts: np.ndarray, codec: Codec) -> np.ndarray:
    shifted = tokens.copy()
    for stream in _melodic(codec):
        column = tokens[..., stream]
        shifted[..., stream] = np.where(column < HOLD, column + shifts[:, None], column)
    return shifted


def _canonical(tokens: np.ndarray, codec: Codec) -> np.ndarray:
    """After bars have moved, holds whose note is elsewhere now are rests."""
    tokens = tokens.copy()
    for stream in _melodic(codec):
        tokens[..., stream] = canonical_melody(tokens[..., stream])
    return tokens


def _with_drums(tokens: np.ndarray, drums: np.ndarray) -> np.ndarray:
    changed = tokens.copy()
    changed[..., -1] = drums
    return changed


@functools.cache
def _moved_lanes(moves: tuple[tuple[str, str], ...]) -> np.ndarray:
    """For each of the 512 classes, the class after some kinds have moved to the lanes of others."""
    classes = np.arange(DRUM_CLASSES)
    result = classes & ~_bits(*(kind for kind, _ in moves))
    for source, target in moves:
        result |= (classes >> _KINDS.index(source) & 1) << _KINDS.index(target)
    return result
