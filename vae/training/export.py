"""From a run to a model folder: weights, config, and a card that says what the model was made of and how good it is."""
import csv
import pathlib

import numpy as np

from vae import config as configs
from vae import registry
from vae.constraints import Constraints
from vae.dataset.plots import draw_clips
from vae.jobs import Job
from vae.render import Renderer
from vae.training import checkpoint
from vae.training.evaluate import Evaluator, rounded
from vae.training.loop import BEFORE, BEST, HISTORY

CURVES, SAMPLES = "curves.png", "samples.png"
UNPICKED = 16  # samples on a card: the first so many of seed 0


def run_config(run: pathlib.Path) -> configs.Config:
    """The config that a run was trained with; raises checkpoint.CheckpointError."""
    return configs.parse(checkpoint.load(run / BEST)[1]["config"])


def export(run: pathlib.Path, name: str, folder: pathlib.Path, test: np.ndarray | None, notes: str) -> registry.ModelInfo:
    """Make a model folder of a run's best checkpoint.

    test: examples to score for the card, [examples, steps, streams], or None.  notes: Markdown that joins the card.
    Raises checkpoint.CheckpointError.
    """
    weights, about = checkpoint.load(run / BEST)
    config = configs.parse(about["config"])
    # What ships is scored: the weights as float16 will hold them.
    stored = {key: value.astype(np.float16).astype(np.float32) for key, value in weights.items()}
    before, history = read_history(run)
    figures = {"steps": about["step"], "examples_seen": int(before + about["step"] * config.training.batch)}
    if test is not None:
        figures["test"] = rounded(Evaluator(config)(stored, test))
    text = card(name, config, figures, about, notes, bool(history))
    info = registry.save(folder, name, config, weights, {**figures, "commands": about["commands"]}, text)
    if history:
        write_history(history, folder / HISTORY)
        draw_curves(history, folder / CURVES)
    if config.latent:
        draw_samples(info, folder / SAMPLES)
    return info


def draw_samples(info: registry.ModelInfo, path: pathlib.Path) -> None:
    """Piano rolls of UNPICKED samples from the prior at temperature 0.5 (paper, Sampling Details)."""
    job = Job("generate", info.name, UNPICKED, 0.5, 0, Constraints())
    clips = Renderer(registry.load(info.path)).render([(job, index) for index in range(UNPICKED)])
    draw_clips(clips, path, [str(index) for index in range(UNPICKED)], columns=4 if info.bars == 2 else 1)


def read_history(run: pathlib.Path) -> tuple[float, list[dict[str, float]]]:
    """(examples, rows): what the weights a run was fine-tuned from had seen, and all validations, theirs first."""
    rows = [_read_rows(run / name) for name in (BEFORE, HISTORY)]
    before = rows[0][-1]["examples"] if rows[0] else 0.0
    return before, rows[0] + [{**row, "examples": before + row["examples"]} for row in rows[1]]


def _read_rows(path: pathlib.Path) -> list[dict[str, float]]:
    if not path.exists():
        return []
    with open(path, newline="") as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


def write_history(rows: list[dict[str, float]], path: pathlib.Path) -> None:
    """Keep the validations with the model, for its card and for whoever fine-tunes it."""
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[-1]))
        writer.writeheader()
        writer.writerows({key: f"{value:g}" for key, value in row.items()} for row in rows)


def draw_curves(history: list[dict[str, float]], path: pathlib.Path) -> None:
    """Learning curves: reconstruction on train and validation examples, and KL, over examples seen."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    seen = [row["examples"] / 1e6 for row in history]
    for which, label in (("seen", "train"), ("validation", "validation")):
        left.plot(seen, [row[f"{which}_reconstruction"] for row in history], label=f"{label}, reconstruction")
        right.plot(seen, [row[f"{which}_kl"] for row in history], label=label)
    left.plot(seen, [row["validation_next"] for row in history], ":", label="validation, next step")
    left.set(xlabel="million examples seen", ylabel="accuracy", ylim=(0, 1))
    right.set(xlabel="million examples seen", ylabel="KL (nats)", ylim=(0, None))
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=110)


def card(name: str, config: configs.Config, figures: dict, about: dict, notes: str, curves: bool) -> str:
    """The model card, Markdown."""
    codec = config.codec
    lines = [f"# {name}", "", f"A variational autoencoder for {codec.bars}-bar {' + '.join(codec.parts)} sequences "
             f"(task `{config.task}`), after Roberts, Engel and Eck, \"Hierarchical Variational Autoencoders for Music\" "
             "(2017).", ""]
    lines += ["| | |", "| --- | --- |",
              f"| encoder | bidirectional LSTM, {list(config.encoder)} units |" if config.latent else "| encoder | none |",
              f"| latent | {config.latent} dimensions |", f"| decoder | LSTM, {list(config.decoder)} units |",
              f"| trained | {figures['examples_seen']:,} examples seen, batches of {config.training.batch} |",
              ""]
    if "test" in figures:
        test = figures["test"]
        lines += [f"Test split ({test['examples']:,} examples of files that training never saw), `musicvae evaluate {name} "
                  "--data DIR`:", "", "| part | next | reconstruction | KL (nats) |", "| --- | --- | --- | --- |"]
        lines += [f"| {part} | {following:.4f} | {reconstruction:.4f} | {test['kl']:.1f} |" for part, following,
                  reconstruction in zip(codec.parts, test["next"], test["reconstruction"])]
        lines += [""]
    if curves:
        lines += [f"![learning curves]({CURVES})", ""]
    if config.latent:
        lines += [f"The first {UNPICKED} samples of seed 0 at temperature 0.5, none left out "
                  f"(`musicvae generate {name} --count {UNPICKED} --seed 0 --plot`):", "", f"![samples]({SAMPLES})", ""]
    lines += ["## Made with", "", *(f"    {command}" for command in about["commands"]), ""]
    if len(about["commands"]) > 1:
        lines += ["one after the other: each fine-tunes what the one before it made.", ""]
    lines += ["## Data", ""]
    for part in about["data"]:
        counts = part["meta"]["examples"]
        lines += [f"Weight {part['weight']:g}: {counts['train']:,} train, {counts['validation']:,} validation and "
                  f"{counts['test']:,} test examples from", ""]
        lines += [f"- {source['folder']}: {source['examples']:,} examples of {source['kept']:,} files"
                  for source in part["meta"]["sources"] if source.get("examples")]
        lines += [""]
    return "\n".join(lines) + notes
