"""Examples of several parts from data sets of one part each: a lead, a bass line and drums that never met.

Open multi-track music is scarce, tunes and drum loops are not. What a trio model learns from such examples is to read and
to write each part whatever the others do; which parts go together it learns from real music, beside which they are mixed
(`train --data real=2 --data combined=1`).
"""
from pathlib import Path

import numpy as np
import yaml

from vae.codecs import HOLD, REST, Codec
from vae.dataset.augment import excerpt
from vae.dataset.extraction import short_rests
from vae.dataset.splits import SPLITS
from vae.dataset.storage import META, Dataset, DatasetError
from vae.outputs import in_place_of

REGISTERS = {"lead": (60, 84), "bass": (28, 48)}  # semitones, the upper one excluded: where a part's median pitch is moved to
HELD_OUT = 20  # train examples to each of validation, and of test
_FIRST_LOOP = 0.7  # share of the places of an example that its first loop takes, of three


def combine(parts: dict[str, Dataset], target: Codec, count: int, seed: int, out: Path) -> dict:
    """Make a data set at `out` of examples whose parts are drawn independently; returns its meta data.

    A part that is longer than an example gives a stretch of bars, a shorter one is repeated, now and then giving way to two
    other loops. A tune is moved by octaves into the part's register (REGISTERS). Each split is drawn from the same split of
    the parts, so nothing crosses over.

    Args:
        parts: the data set that each part of `target` is drawn from; of one part itself, drums for drums only.
        count: train examples; validation and test get one for every HELD_OUT of them.

    Raises:
        DatasetError: a data set does not fit its part, or has an empty split.
        OSError: `out` cannot be written.
    """
    for part, source in parts.items():
        drums = part == "drums"
        if len(source.codec.parts) > 1 or (source.codec.parts == ("drums",)) != drums:
            raise DatasetError(f"{part} wants a data set of {'drums' if drums else 'melodies'}; {source.path} has "
                               f"{' and '.join(source.codec.parts)}")
        if source.codec.bars < target.bars and target.bars % source.codec.bars:
            raise DatasetError(f"{part}: {source.codec.bars} bars of {source.path} do not divide {target.bars}")
        for name in SPLITS:
            if not len(source.split(name)):
                raise DatasetError(f"the {name} split of {source.path} is empty: build it of more songs")
    rng = np.random.default_rng(seed)
    counts = {name: count if name == "train" else max(1, count // HELD_OUT) for name in SPLITS}
    meta = _describe(parts, target, counts, seed)
    with in_place_of(out) as fresh:
        for name, wanted in counts.items():
            streams = [_drawn(parts[part].split(name), parts[part].codec, part, target, wanted, rng) for part in target.parts]
            np.save(fresh / f"{name}.npy", np.stack(streams, axis=-1).astype(np.uint16))
        (fresh / META).write_text(yaml.safe_dump(meta, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return meta


def _drawn(examples: np.ndarray, source: Codec, part: str, target: Codec, count: int, rng: np.random.Generator) -> np.ndarray:
    """So many sequences of one part, none with a run of rests above a bar. Shape [count, steps]."""
    draw = _stretches if source.bars >= target.bars else _loops
    kept, found = [], 0
    while found < count:
        tokens = draw(examples, source, target.steps, max(count - found, 256), rng)
        tokens = tokens if part == "drums" else _into_register(tokens, *REGISTERS[part])
        kept.append(tokens[short_rests(tokens, 0 if part == "drums" else REST)])
        if not len(kept[-1]):
            raise DatasetError(f"{part}: of {len(tokens)} sequences drawn, none was without more than a bar of rests")
        found += len(kept[-1])
    return np.concatenate(kept)[:count]


def _stretches(examples: np.ndarray, source: Codec, steps: int, count: int, rng: np.random.Generator) -> np.ndarray:
    rows = np.sort(rng.integers(0, len(examples), count))  # in order, which reads a memory-mapped file fastest
    return rng.permutation(excerpt(examples[rows].astype(np.int32), rng, source, steps)[..., 0])


def _loops(examples: np.ndarray, source: Codec, steps: int, count: int, rng: np.random.Generator) -> np.ndarray:
    loops = examples[rng.integers(0, len(examples), (count, 3))][..., 0].astype(np.int32)  # (count, 3, loop)
    others = (1 - _FIRST_LOOP) / 2
    order = rng.choice(3, (count, steps // source.steps), p=[_FIRST_LOOP, others, others])
    return loops[np.arange(count)[:, None], order].reshape(count, steps)


def _into_register(tokens: np.ndarray, low: int, high: int) -> np.ndarray:
    """Move each melody by the fewest octaves that bring its median pitch into [low, high). Shape [count, steps]."""
    pitches = np.ma.masked_greater_equal(tokens, HOLD)
    median = np.ma.median(pitches, axis=1).filled(low)
    octaves = np.where(median < low, np.ceil((low - median) / 12), -np.ceil(np.maximum(median - high + 1, 0) / 12))
    moved = tokens + 12 * octaves.astype(np.int32)[:, None]
    return np.where(tokens < HOLD, np.clip(moved, 0, 127), tokens)


def _describe(parts: dict[str, Dataset], target: Codec, counts: dict[str, int], seed: int) -> dict:
    return {
        "task": target.task,
        "examples": counts,
        "files": {"read": sum(source.meta["files"]["read"] for source in parts.values()), "kept": {}, "rejected": {},
                  "versions of songs in train": {}},
        "counts": {f"{part} sequences to draw from": source.meta["examples"]["train"] for part, source in parts.items()},
        "dropped": {},
        "rules": {"combined": True, "seed": seed},
        "sources": [{**entry, "folder": f"{part}: {entry['folder']}"}
                    for part, source in parts.items() for entry in source.meta["sources"]],
    }
