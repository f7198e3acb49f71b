"""What music is made of, as counts: histograms of features over many token sequences.

The features are those of Yang and Lerch 2020, "On the evaluation of generative models in music", that melodies and
drum loops on a grid have: pitch classes, intervals, note lengths and note counts, with the onset's position in the bar,
and for drums the kinds of hits and the positions of each.
"""
import numpy as np

from vae.codecs import DRUM_KINDS, HOLD, REST, Codec
from vae.notes import STEPS_PER_BAR

PITCH_CLASSES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
WIDEST = 12  # semitones; wider intervals share the outermost bins
LONGEST = STEPS_PER_BAR  # steps; longer notes share the last bin
MOST_HITS = 40  # in a bar of drums; busier bars share the last bin


def _numbers(low: int, high: int, below: str = "", above: str = "+") -> tuple[str, ...]:
    """Labels of the bins low to high; the outer ones also hold what lies beyond where they are marked so."""
    return (f"{below}{low}", *map(str, range(low + 1, high)), f"{high}{above}")


_POSITIONS = _numbers(1, STEPS_PER_BAR, above="")  # sixteenths of the bar, counted from 1
MELODIC_BINS = {
    "pitch classes": PITCH_CLASSES,
    "intervals": _numbers(-WIDEST - 1, WIDEST + 1, below="<="),
    "note lengths": _numbers(1, LONGEST + 1),
    "onsets": _POSITIONS,
    "notes per bar": _numbers(0, STEPS_PER_BAR, above=""),
}
DRUM_BINS = {
    "kinds": tuple(name for name, _ in DRUM_KINDS),
    "onsets": _POSITIONS,
    "hits per bar": _numbers(0, MOST_HITS),
    **{f"{name} onsets": _POSITIONS for name, _ in DRUM_KINDS},
}


def bins(part: str) -> dict[str, tuple[str, ...]]:
    """The features of a part and the labels of their bins."""
    return DRUM_BINS if part == "drums" else MELODIC_BINS


def count(codec: Codec, tokens: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    """Part to feature to how often each of its bins occurs, as in `bins`.

    tokens: Shape [examples, steps, streams].
    """
    counted = {}
    for stream, part in enumerate(codec.parts):
        values = (_drums if part == "drums" else _melodic)(np.asarray(tokens[..., stream], np.int64))
        counted[part] = {name: np.bincount(values[name], minlength=len(labels)) for name, labels in bins(part).items()}
    return counted


def _melodic(tokens: np.ndarray) -> dict[str, np.ndarray]:
    """Feature to the bin of every occurrence. tokens: Shape [examples, steps]."""
    row, step = np.nonzero(tokens < HOLD)
    pitch = tokens[row, step]
    within = row[1:] == row[:-1]  # an interval joins two notes of one example, rests between them or not
    ended = np.pad(tokens, [(0, 0), (0, 1)], constant_values=REST)  # the end of an example ends its last note
    changes = np.flatnonzero(ended != HOLD)
    start = row * ended.shape[1] + step
    length = changes[np.searchsorted(changes, start, side="right")] - start
    return {
        "pitch classes": pitch % 12,
        "intervals": np.clip(np.diff(pitch)[within], -WIDEST - 1, WIDEST + 1) + WIDEST + 1,
        "note lengths": np.minimum(length, LONGEST + 1) - 1,
        "onsets": step % STEPS_PER_BAR,
        "notes per bar": _per_bar(tokens < HOLD),
    }


def _drums(tokens: np.ndarray) -> dict[str, np.ndarray]:
    hits = tokens[..., None] >> np.arange(len(DRUM_KINDS)) & 1  # (N, T, 9)
    _, step, kind = np.nonzero(hits)
    position = step % STEPS_PER_BAR
    return {
        "kinds": kind,
        "onsets": position,
        "hits per bar": np.minimum(_per_bar(hits.sum(axis=-1)), MOST_HITS),
        **{f"{name} onsets": position[kind == bit] for bit, (name, _) in enumerate(DRUM_KINDS)},
    }


def _per_bar(events: np.ndarray) -> np.ndarray:
    """How many events each bar has. events: how many at each step, [examples, steps]. Returns [examples * bars]."""
    return events.reshape(-1, STEPS_PER_BAR).sum(axis=1)
