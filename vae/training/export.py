"""From a run to a model folder: weights, config, and a card that says what the model was made of and how good it is."""
import csv
import pathlib

from vae import config as configs
from vae import registry, tables
from vae.analysis import quality
from vae.constraints import Constraints
from vae.dataset import Dataset
from vae.dataset.plots import draw_clips
from vae.jobs import Job
from vae.render import Renderer
from vae.training import checkpoint
from vae.training.evaluate import Evaluator, rounded
from vae.training.loop import BEFORE, BEST, HISTORY

CURVES, SAMPLES = "curves.png", "samples.png"
UNPICKED = 16  # samples on a card: the first so many of seed 0
COMPARED = 256  # samples whose features are compared with those of the test split


def run_config(run: pathlib.Path) -> configs.Config:
    """The config that a run was trained with; raises checkpoint.CheckpointError."""
    return configs.parse(checkpoint.load(run / BEST)[1]["config"])


def export(run: pathlib.Path, name: str, folder: pathlib.Path, data: Dataset | None, notes: str) -> registry.ModelInfo:
    """Make a model folder of a run's best checkpoint.

    data: its test split is scored and compared with samples for the card, unless None.  notes: Markdown for the card.
    Raises checkpoint.CheckpointError.
    """
    weights, about = checkpoint.load(run / BEST)
    config = configs.parse(about["config"])
    before, history = read_history(run)
    figures = {"steps": about["step"], "examples_seen": int(before + about["step"] * config.training.batch),
               "commands": about["commands"]}
    if data is not None:
        figures["test"] = rounded(Evaluator(config)(registry.as_stored(weights), data.split("test")))
    model = registry.load(registry.save(folder, name, config, weights, figures).path)
    compared = None
    if data is not None and config.latent and quality.size(data, COMPARED):
        compared = quality.measure(model, data, COMPARED, 0)
    if history:
        write_history([row for row in history if row["examples"] <= figures["examples_seen"]], folder / HISTORY)
        draw_curves(history, folder / CURVES)
    if config.latent:
        draw_samples(model, folder / SAMPLES)
    text = card(model.info, figures, about["data"], notes, bool(history), compared)
    (folder / registry.CARD).write_text(text, encoding="utf-8")
    return registry.describe(folder)


def draw_samples(model: registry.Model, path: pathlib.Path) -> None:
    """Piano rolls of UNPICKED samples from the prior at temperature 0.5 (paper, Sampling Details)."""
    job = Job("generate", model.name, UNPICKED, 0.5, 0, Constraints())
    clips = Renderer(model).render([(job, index) for index in range(UNPICKED)])
    draw_clips(clips, path, [str(index) for index in range(UNPICKED)], columns=4 if model.codec.bars == 2 else 1)


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


def card(info: registry.ModelInfo, figures: dict, data: list[dict], notes: str, curves: bool,
         compared: dict | None) -> str:
    """The model card, Markdown. data: meta and weight of every data set.  compared: from `quality.measure`."""
    config, name = info.config, info.name
    codec = config.codec
    rows = [("encoder", f"bidirectional LSTM, {list(config.encoder)} units" if config.latent else "none"),
            ("latent", f"{config.latent} dimensions"),
            *([("conductor", f"LSTM, {list(config.conductor)} units, {config.segments} embeddings of {config.embedding}")]
              if config.conductor else []),
            ("decoder", f"LSTM, {list(config.decoder)} units"), ("parameters", info.parameters),
            ("trained", f"{figures['examples_seen']:,} examples seen, batches of {config.training.batch}")]
    sections = [f"# {name}", f"A variational autoencoder for {codec.bars}-bar sequences of {', '.join(codec.parts)} (task "
                f"`{config.task}`), after Roberts, Engel and Eck, \"Hierarchical Variational Autoencoders for Music\" (2017).",
                tables.markdown(("", ""), rows)]
    if "test" in figures:
        test = figures["test"]
        scores = [(part, test["next"][stream], test["reconstruction"][stream], test["kl"])
                  for stream, part in enumerate(codec.parts)]
        sections += [f"Test split, {test['examples']:,} examples of files that training never saw "
                     f"(`musicvae evaluate {name} --data DIR`):",
                     tables.markdown(("part", "next", "reconstruction", "KL (nats)"), scores)]
    if curves:
        sections += [f"![learning curves]({CURVES})"]
    if config.latent:
        sections += ["## Samples", f"The first {UNPICKED} of seed 0 at temperature 0.5, none left out "
                     f"(`musicvae generate {name} --count {UNPICKED} --seed 0 --plot`):", f"![samples]({SAMPLES})"]
    if compared:
        sections += [f"Overlap of feature distributions with the test split, {compared['examples']} examples of each "
                     f"(`musicvae quality {name} --data DIR --samples {COMPARED}`); `train` is what music of other songs "
                     "reaches, `test` what two halves of the test split do:", tables.markdown(*quality.table(compared))]
    chain = "\n\nOne after the other: each fine-tunes what the one before it made." if len(figures["commands"]) > 1 else ""
    sections += ["## Made with", "\n".join(f"    {command}" for command in figures["commands"]) + chain, "## Data"]
    for part in data:
        counts = part["meta"]["examples"]
        sections += [f"Weight {part['weight']:g}: {counts['train']:,} train, {counts['validation']:,} validation and "
                     f"{counts['test']:,} test examples from",
                     "\n".join(f"- {source['folder']}: {source['examples']:,} examples of {source['kept']:,} files"
                               for source in part["meta"]["sources"] if source.get("examples"))]
    return "\n\n".join(section.strip("\n") for section in [*sections, notes] if section) + "\n"
