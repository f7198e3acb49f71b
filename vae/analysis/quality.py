"""How much samples of a model are like real music: the overlap of feature distributions.

Overlap is the overlapping area of Yang and Lerch 2020: the intersection of two normalised histograms, 1 for equal and
0 for disjoint ones. A figure by itself says little, because few examples overlap less than many and songs differ. So
three sets of one size are compared with a half of the test split, and then with its other half; the figures are means:

- samples: from the prior, temperature 0.5;
- train: examples of other songs, which is what a perfect model of the training data would give;
- test: the other half of the test split, which has windows of the same songs: what equal distributions give.
"""
from collections.abc import Callable

import numpy as np

from vae.analysis import distributions, samples
from vae.dataset import Dataset
from vae.registry import Model

SETS = ("samples", "train", "test")


def overlap(counts: np.ndarray, others: np.ndarray) -> float | None:
    """The intersection of two histograms, each normalised to 1; 0 if one is empty, None if both are."""
    if not counts.sum() or not others.sum():
        return 0.0 if counts.sum() or others.sum() else None
    return float(np.minimum(counts / counts.sum(), others / others.sum()).sum())


def measure(model: Model, data: Dataset, count: int, seed: int,
            progress: Callable[[int], None] = lambda done: None) -> dict:
    """Samples of a model against a data set of its task.

    count: examples of each set; fewer if half the test split or the train split has fewer (see `size`).
    progress: told how many samples are drawn.
    Returns plain values: model, task, temperature, seed, examples; `overlap`, part to feature to set (`SETS`) to share;
    `mean`, set to the mean over the features that all sets have; `histograms`, part to feature to `bins`, `samples` and
    `test` (shares).
    """
    codec, count = model.codec, size(data, count)
    rng = np.random.default_rng(seed)
    test, train = (np.asarray(data.split(name))[rng.permutation(len(data.split(name)))] for name in ("test", "train"))
    halves = np.array_split(test, 2)
    drawn = samples.draw(model, count, seed, progress)
    counted = {"samples": [distributions.count(codec, drawn)] * 2,
               "train": [distributions.count(codec, train[:count])] * 2,
               "test": [distributions.count(codec, half[:count]) for half in reversed(halves)]}
    against = [distributions.count(codec, half) for half in halves]

    overlaps, histograms = {}, {}
    for part in codec.parts:
        overlaps[part], histograms[part] = {}, {}
        for feature, labels in distributions.bins(part).items():
            pairs = {name: [overlap(one[part][feature], other[part][feature]) for one, other in zip(counts, against)]
                     for name, counts in counted.items()}
            overlaps[part][feature] = {name: None if None in pair else round(sum(pair) / 2, 4)
                                       for name, pair in pairs.items()}
            histograms[part][feature] = {
                "bins": list(labels), "samples": _shares(counted["samples"][0][part][feature]),
                "test": _shares(sum(half[part][feature] for half in against))}
    rows = [values for features in overlaps.values() for values in features.values() if None not in values.values()]
    return {"model": model.name, "task": codec.task, "temperature": samples.TEMPERATURE, "seed": seed,
            "examples": count,
            "mean": {name: round(float(np.mean([values[name] for values in rows])), 4) for name in SETS},
            "overlap": overlaps, "histograms": histograms}


def size(data: Dataset, count: int) -> int:
    """How many examples each set of a comparison has, at most `count`; 0 if a split is too small to compare."""
    return min(count, len(data.split("test")) // 2, len(data.split("train")))


def _shares(counts: np.ndarray) -> list[float]:
    return [round(float(share), 5) for share in counts / max(counts.sum(), 1)]


def table(result: dict) -> tuple[tuple[str, ...], list[tuple]]:
    """(columns, rows) of what `measure` returned."""
    rows = [(part, feature, *(values[name] for name in SETS))
            for part, features in result["overlap"].items() for feature, values in features.items()]
    return ("part", "feature", *SETS), [*rows, ("all", "mean", *(result["mean"][name] for name in SETS))]
