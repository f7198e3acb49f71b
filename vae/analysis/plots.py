"""Pictures of what the other modules measure. matplotlib takes a second to import, so only the functions do."""
import math
import pathlib

import numpy as np

SAMPLES, TEST = "#c8452f", "#1f5fa8"
_COLUMNS = 4


def draw_histograms(result: dict, path: pathlib.Path) -> None:
    """The feature distributions of samples (bars) and of the test split (line). result: from `quality.measure`."""
    from matplotlib.figure import Figure

    panels = [(part, feature, values) for part, features in result["histograms"].items()
              for feature, values in features.items()]
    rows = math.ceil(len(panels) / _COLUMNS)
    figure = Figure(figsize=(3.6 * _COLUMNS, 1.9 * rows + 0.4), dpi=90, layout="constrained")
    axes = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for panel, (part, feature, values) in zip(axes, panels):
        places = np.arange(len(values["bins"]))
        panel.bar(places, values["samples"], width=0.9, color=SAMPLES, alpha=0.55)
        panel.step(places, values["test"], where="mid", color=TEST, linewidth=1.2)
        shared = result["overlap"][part][feature]["samples"]
        panel.set_title(f"{part}: {feature}" + ("" if shared is None else f", overlap {shared:.2f}"), fontsize=9)
        every = max(1, round(len(places) / 12))
        slanted = {"rotation": 35, "ha": "right"} if max(map(len, values["bins"])) > 5 else {}
        panel.set_xticks(places[::every], values["bins"][::every], fontsize=6, **slanted)
        panel.tick_params(axis="y", labelsize=6)
    for panel in axes[len(panels):]:
        panel.set_visible(False)
    figure.suptitle(f"{result['model']}: {result['examples']:,} samples (red bars) and the test split (blue line)",
                    fontsize=10)
    figure.savefig(path)


def draw_similarity(result: dict, matrices: dict, path: pathlib.Path) -> None:
    """Self-similarity matrices, dark where two bars have the same notes, and their mean by distance.

    One row per part: the mean over the test split and over samples, two single examples of each, and the curves.
    result, matrices: from `structure.measure`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(17, 2.5 * len(matrices) + 0.5), dpi=80, layout="constrained")
    grid = figure.subplots(len(matrices), 7, squeeze=False)
    for row, (part, sets) in zip(grid, matrices.items()):
        panels = [(f"{part}: test, mean", sets["test"]["mean"]), ("samples, mean", sets["samples"]["mean"])]
        panels += [(f"{name} {number + 1}", matrix) for name in ("test", "samples")
                   for number, matrix in enumerate(sets[name]["examples"])]
        ticks = range(4, len(panels[0][1]) + 1, 4)
        for panel, (title, matrix) in zip(row, panels):
            shown = panel.imshow(matrix, vmin=0, vmax=1, cmap="magma_r", origin="lower",
                                 extent=(0.5, len(matrix) + 0.5) * 2)
            panel.set_title(title, fontsize=9)
            panel.set(xticks=ticks, yticks=ticks)
            panel.tick_params(labelsize=6)
        for panel in row[len(panels):-1]:
            panel.set_visible(False)
        curves = result["similarity"][part]["notes"]
        for name, means in curves.items():
            row[-1].plot(range(1, len(means) + 1), np.array(means, float), ":" if "shuffled" in name else "-",
                         color=TEST if "test" in name else SAMPLES, label=name)
        row[-1].set_title(f"{part}: mean by distance in bars", fontsize=9)
        row[-1].set(xticks=ticks, ylim=(0, None))
        row[-1].tick_params(labelsize=6)
        row[-1].grid(alpha=0.3)
    grid[0, -1].legend(fontsize=7)
    figure.colorbar(shown, ax=grid[:, :-1], shrink=0.8, label="share of notes in common (F1)")
    figure.suptitle(f"{result['model']}: self-similarity of bars", fontsize=10)
    figure.savefig(path)
