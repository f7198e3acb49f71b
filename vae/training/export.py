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
from vae.model import weights as model_weights
from vae.outputs import in_place_of
from vae.render import Renderer
from vae.training import checkpoint
from vae.training.evaluate import Evaluator, rounded
from vae.training.loop import BEFORE, BEST, HISTORY

COLUMNS = ("step", "examples", "validation_next", *(f"{which}_{figure}" for which in ("validation", "seen")
                                                      for figure in ("reconstruction", "kl")))  # of a history
CURVES, SAMPLES = "curves.png", "samples.png"
UNPICKED = 16  # samples on a card: the first so many of seed 0
COMPARED = 256  # samples whose features are compared with those of the test split


def load_best(run: pathlib.Path) -> tuple[dict, configs.Config, dict]:
    """(weights, config, about) of a run's best checkpoint, as from `checkpoint.load`; raises CheckpointError."""
    return checkpoint.load(run / BEST, model_weights.shapes)


def export(run: pathlib.Path, name: str, folder: pathlib.Path, data: Dataset | None, notes: str) -> registry.ModelInfo:
    """Make a model folder of a run's best checkpoint; a folder that is there is replaced once the new one is whole.

    data: its test split is scored and compared with samples for the card, unless None.  notes: Markdown for the card.
    Raises checkpoint.CheckpointError, and registry.ModelError for weights that a model folder cannot hold.
    """
    weights, config, about = load_best(run)
    before, history = read_history(run)
    figures = {"steps": about["step"], "examples_seen": int(before + about["step"] * config.training.batch),
               "commands": about["commands"]}
    if data is not None:
        figures["test"] = rounded(Evaluator(config)(registry.as_stored(weights), data.split("test")))
    with in_place_of(folder) as fresh:
        model = registry.load(registry.save(fresh, name, config, weights, figures).path)
        compared = None
        if data is not None and config.latent and quality.size(data, COMPARED):
            compared = quality.measure(model, data, COMPARED, 0)
        until = [row for row in history if row["examples"] <= figures["examples_seen"]]
        if until:
            write_history(until, fresh / HISTORY)
            draw_curves(history, fresh / CURVES)
        if config.latent:
            draw_samples(model, fresh / SAMPLES)
        text = card(model.info, figures, about["data"], notes, until, compared)
        (fresh / registry.CARD).write_text(text, encoding="utf-8")
    return registry.describe(folder)


def draw_samples(model: registry.Model, path: pathlib.Path) -> None:
    """Piano rolls of UNPICKED samples from the prior at temperature 0.5 (paper, Sampling Details)."""
    job = Job("generate", model.name, UNPICKED, 0.5, 0, Constraints())
    clips = Renderer(model).render([(job, index) for index in range(UNPICKED)])
    draw_clips(clips, path, [str(index) for index in range(UNPICKED)], columns=4 if model.codec.bars == 2 else 2)


def read_history(run: pathlib.Path) -> tuple[float, list[dict[str, float]]]:
    """(examples, rows): what the weights a run was fine-tuned from had seen, and all validations, theirs first.

    A row counts its steps from the beginning of its own training, but examples from the beginning of the first.
    Raises checkpoint.CheckpointError for a damaged file.
    """
    rows = [_read_rows(run / name) for name in (BEFORE, HISTORY)]
    before = rows[0][-1]["examples"] if rows[0] else 0.0
    return before, rows[0] + [{**row, "examples": before + row["examples"]} for row in rows[1]]


def _read_rows(path: pathlib.Path) -> list[dict[str, float]]:
    if not path.exists():
        return []
    try:
        with open(path, newline="") as file:
            rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
        _ = [row[key] for row in rows for key in COLUMNS]
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise checkpoint.CheckpointError(f"{path} is damaged: {error!r}") from None
    return rows


def stages(history: list[dict[str, float]]) -> list[tuple[int, int]]:
    """(steps, examples) of each of the trainings that a history is of, at the last of its validations.

    history: as from `read_history`. A row belongs to the training of the row before it if its examples are as many for
    each of its steps.
    """
    found, begin = [], 0.0
    for row in history:
        if found:
            steps, examples = found[-1]
            batch = examples / steps
            if abs(row["examples"] - begin - batch * row["step"]) < batch / 2:
                found[-1] = row["step"], row["examples"] - begin
                continue
            begin += examples
        found.append((row["step"], row["examples"] - begin))
    return [(round(steps), round(examples)) for steps, examples in found]


def write_history(rows: list[dict[str, float]], path: pathlib.Path) -> None:
    """Keep the validations with the model, for its card and for whoever fine-tunes it."""
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[-1]))
        writer.writeheader()
        writer.writerows({key: f"{value:.12g}" for key, value in row.items()} for row in rows)


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


def made_with(commands: list[str], history: list[dict[str, float]]) -> str:
    """The commands that made a model, Markdown, each with what it was really trained, as far as the history tells."""
    known = stages(history)[-len(commands):]
    lines = []
    for command, stage in zip(commands, [None] * (len(commands) - len(known)) + known):
        lines += [f"    {command}"]
        if stage:
            lines += [f"Its weights after {stage[0]:,} steps ({stage[1]:,} examples), the best of the run; with `--steps "
                      f"{stage[0]}` it ends there."]
    chain = ["One after the other: each fine-tunes what the one before it made."] if len(commands) > 1 else []
    return "\n\n".join([*lines, *chain])


def card(info: registry.ModelInfo, figures: dict, data: list[dict], notes: str, history: list[dict[str, float]],
         compared: dict | None) -> str:
    """The model card, Markdown.

    data: meta and weight of every data set.  history: until these weights.  compared: from `quality.measure`.
    """
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
    if history:
        sections += [f"![learning curves]({CURVES})"]
    if config.latent:
        sections += ["## Samples", f"The first {UNPICKED} of seed 0 at temperature 0.5, none left out "
                     f"(`musicvae generate {name} --count {UNPICKED} --seed 0 --plot`):", f"![samples]({SAMPLES})"]
    if compared:
        sections += [f"Overlap of feature distributions with the test split, {compared['examples']} examples of each "
                     f"(`musicvae quality {name} --data DIR --samples {COMPARED}`); `train` is what music of other songs "
                     "reaches, `test` what two halves of the test split do:", tables.markdown(*quality.table(compared))]
    sections += ["## Made with", made_with(figures["commands"], history), "## Data"]
    for part in data:
        counts = part["meta"]["examples"]
        sections += [f"Weight {part['weight']:g}: {counts['train']:,} train, {counts['validation']:,} validation and "
                     f"{counts['test']:,} test examples from",
                     "\n".join(f"- {source['folder']}: {source['examples']:,} examples of {source['kept']:,} files"
                               for source in part["meta"]["sources"] if source.get("examples"))]
    return "\n\n".join(section.strip("\n") for section in [*sections, notes] if section) + "\n"
