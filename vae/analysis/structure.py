"""Long-term structure, measured: how music comes back to its bars, and how a trio's bass and lead agree.

Self-similarity (after Foote 1999, "Visualizing music and audio using self-similarity"): two bars are as alike as the F1
score between their sets of events is high, 2 |A and B| / (|A| + |B|), as transcriptions are scored by note; an event is
an onset's position in the bar and its pitch, or its kind for drums. 1 means equal bars. Music repeats its bars after a
phrase of 2, 4 or 8. The level at a distance is read against that of the same set shuffled, each bar taken from another
clip: what bars have in common that do not belong together. "rhythm" leaves pitches and kinds out.

Agreement of bass and lead, on beats where both sound: `beat` and `bar` are the shares on which the pitch class of the
bass is among the lead's in that beat or bar; `consonant` that on which the lead stands a unison, third, fifth or sixth
above it. Shuffled, each bass plays with the lead of another clip.

The test split has many windows of each song, so a few of the clips that are thrown together are of one song.
"""
from collections.abc import Callable

import numpy as np

from vae.analysis import samples
from vae.codecs import DRUM_KINDS, HOLD, Codec
from vae.dataset import Dataset
from vae.notes import STEPS_PER_BAR, STEPS_PER_BEAT
from vae.registry import Model

CONSONANT = (0, 3, 4, 7, 8, 9)  # semitones above the bass; the fourth is a dissonance against a bass
DISTANCES = (1, 2, 4, 8, 16)  # bars, in the table
SHUFFLES = 10  # pairings of basses and leads that are averaged
EXAMPLES = 2  # single clips whose matrices are drawn


def similarity(codec: Codec, tokens: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    """Part to "notes" or "rhythm" to the similarity of every two bars of every clip.

    With several parts there is also "all", which takes their events together.
    tokens: Shape [clips, steps, streams].
    Returns float32 [clips, bars, bars], NaN where both bars are empty.
    """
    parts = {part: slice(stream, stream + 1) for stream, part in enumerate(codec.parts)}
    if len(parts) > 1:
        parts["all"] = slice(None)
    shape = (len(tokens), codec.bars, codec.bars)
    matrices = {part: {what: np.empty(shape, np.float32) for what in ("notes", "rhythm")} for part in parts}
    for clip, rows in enumerate(tokens):
        events = [_events(part, rows[:, stream]) for stream, part in enumerate(codec.parts)]
        for part, streams in parts.items():
            notes = np.concatenate(events[streams], axis=1)
            rhythm = np.stack([one.any(axis=1) for one in events[streams]], axis=1)
            matrices[part]["notes"][clip] = _f1(notes, codec.bars)
            matrices[part]["rhythm"][clip] = _f1(rhythm, codec.bars)
    return matrices


def _events(part: str, tokens: np.ndarray) -> np.ndarray:
    """What starts at each step, as bool [steps, pitches or kinds]. tokens: [steps]."""
    if part == "drums":
        return (tokens[:, None] >> np.arange(len(DRUM_KINDS)) & 1).astype(bool)
    return tokens[:, None] == np.arange(HOLD)


def _f1(events: np.ndarray, bars: int) -> np.ndarray:
    """F1 of every two bars: [bars, bars]. events: bool [steps, ...]."""
    flat = events.reshape(bars, -1).astype(np.float32)
    sizes = flat.sum(axis=1)
    both = sizes[:, None] + sizes
    return np.divide(2.0 * flat @ flat.T, both, out=np.full_like(both, np.nan), where=both > 0)


def by_distance(matrices: np.ndarray) -> list[float | None]:
    """The mean similarity of bars 1, 2, ... bars apart, None where all are empty. matrices: [clips, bars, bars]."""
    diagonals = [np.diagonal(matrices, distance, axis1=1, axis2=2) for distance in range(1, matrices.shape[-1])]
    return [_share(diagonal, ~np.isnan(diagonal)) for diagonal in diagonals]


def shuffled_bars(tokens: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Every bar of a clip swapped for the same bar of another clip drawn at random. tokens: [clips, steps, streams]."""
    bars = np.split(np.asarray(tokens), tokens.shape[1] // STEPS_PER_BAR, axis=1)
    return np.concatenate([bar[rng.permutation(len(bar))] for bar in bars], axis=1)


def sounding(tokens: np.ndarray) -> np.ndarray:
    """The pitch that sounds at every step, -1 in silence. tokens: one melodic stream, [clips, steps]."""
    last_change = np.maximum.accumulate(np.where(tokens != HOLD, np.arange(tokens.shape[1]), 0), axis=1)
    pitch = np.take_along_axis(tokens, last_change, axis=1).astype(np.int32)
    return np.where(pitch < HOLD, pitch, -1)


def agreement(lead: np.ndarray, bass: np.ndarray) -> dict[str, float | None]:
    """"beat", "bar" and "consonant", see above; None where bass and lead never sound together.

    lead, bass: streams of tokens. Shape [clips, steps] each.
    """
    lead, bass = sounding(lead), sounding(bass)
    on_beat = bass[:, ::STEPS_PER_BEAT]  # (N, beats)
    held = (lead[..., None] % 12 == np.arange(12)) & (lead >= 0)[..., None]  # (N, T, 12), the lead's pitch classes
    figures = {}
    for name, steps in (("beat", STEPS_PER_BEAT), ("bar", STEPS_PER_BAR)):
        classes = held.reshape(len(lead), -1, steps, 12).any(axis=2).repeat(steps // STEPS_PER_BEAT, axis=1)
        among = np.take_along_axis(classes, (on_beat % 12)[..., None], axis=2)[..., 0]  # (N, beats)
        figures[name] = _share(among, (on_beat >= 0) & classes.any(axis=2))
    above = lead[:, ::STEPS_PER_BEAT]
    figures["consonant"] = _share(np.isin((above - on_beat) % 12, CONSONANT), (on_beat >= 0) & (above >= 0))
    return figures


def _share(values: np.ndarray, counted: np.ndarray) -> float | None:
    return round(float(values[counted].mean()), 4) if counted.any() else None


def shuffled_agreement(lead: np.ndarray, bass: np.ndarray, rng: np.random.Generator) -> dict[str, float | None]:
    """`agreement` when each bass plays with the lead of another clip, in several such pairings."""
    orders = [rng.permutation(len(lead)) for _ in range(SHUFFLES)]
    basses = [np.roll(order, 1) for order in orders]  # each with its neighbour's: never with its own
    return agreement(lead[np.concatenate(orders)], bass[np.concatenate(basses)])


def measure(model: Model, data: Dataset, count: int, seed: int,
            progress: Callable[[int], None] = lambda done: None) -> tuple[dict, dict]:
    """Samples of a model (temperature 0.5) against the test split of a data set of its task.

    count: how many samples, and at most how many test clips.  progress: told how many samples are drawn.
    Returns (result, matrices). result, plain values: model, task, temperature, seed, `examples` (set to number);
    `similarity`, part to "notes" or "rhythm" to set to a list, item d - 1 for bars d apart; `agreement` (trios only),
    set to the figures of `agreement`. The sets are "test" and "samples", and each of them shuffled.
    matrices, for a picture: part to "test" or "samples" to `mean` [bars, bars] and `examples` [2, bars, bars].
    """
    codec, rng = model.codec, np.random.default_rng(seed)
    test = data.split("test")
    test = np.asarray(test[np.sort(rng.permutation(len(test))[:count])])
    sets = {"test": test, "samples": samples.draw(model, count, seed, progress)}
    similar = {name: similarity(codec, tokens) for name, tokens in sets.items()}
    shuffled = {f"{name}, shuffled": similarity(codec, shuffled_bars(tokens, rng)) for name, tokens in sets.items()}
    everything = {**similar, **shuffled}
    result = {"model": model.name, "task": codec.task, "temperature": samples.TEMPERATURE, "seed": seed,
              "examples": {name: len(tokens) for name, tokens in sets.items()},
              "similarity": {part: {what: {name: by_distance(found[part][what]) for name, found in everything.items()}
                                    for what in ("notes", "rhythm")} for part in similar["test"]}}
    if {"lead", "bass"} <= set(codec.parts):
        lead, bass = codec.parts.index("lead"), codec.parts.index("bass")
        pairs = {name: (tokens[..., lead], tokens[..., bass]) for name, tokens in sets.items()}
        result["agreement"] = {name: agreement(*pair) for name, pair in pairs.items()}
        result["agreement"] |= {f"{name}, shuffled": shuffled_agreement(*pair, rng) for name, pair in pairs.items()}
    matrices = {part: {name: {"mean": _mean_matrix(similar[name][part]["notes"]),
                              "examples": similar[name][part]["notes"][:EXAMPLES]} for name in sets}
                for part in similar["test"]}
    return result, matrices


def _mean_matrix(matrices: np.ndarray) -> np.ndarray:
    known = ~np.isnan(matrices)
    return np.divide(np.nansum(matrices, axis=0), known.sum(axis=0), where=known.any(axis=0),
                     out=np.full(matrices.shape[1:], np.nan))


def similarity_table(result: dict) -> tuple[tuple[str, ...], list[tuple]]:
    """(columns, rows) of the similarities by distance that `measure` returned."""
    rows, distances = [], ()
    for part, kinds in result["similarity"].items():
        for what, sets in kinds.items():
            for name, means in sets.items():
                distances = [distance for distance in DISTANCES if distance <= len(means)]
                rows.append((part, what, name, *(means[distance - 1] for distance in distances)))
    return ("part", "of", "set", *(f"{distance} bar{'s' if distance > 1 else ''}" for distance in distances)), rows


def agreement_table(result: dict) -> tuple[tuple[str, ...], list[tuple]]:
    """(columns, rows) of the agreement of bass and lead that `measure` returned for a trio."""
    rows = [(name, *figures.values()) for name, figures in result["agreement"].items()]
    return ("set", *next(iter(result["agreement"].values()))), rows
