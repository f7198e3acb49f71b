"""From a run to a model folder: weights, config, and a card that says what the model was made of and how good it is."""
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
from vae.training import checkpoint, history
from vae.training.evaluate import Evaluator, rounded

CURVES, SAMPLES = "curves.png", "samples.png"
UNPICKED = 16  # samples on a card: the first so many of seed 0
LATER_STAGE = "its stage "  # and a number: what stands among the commands for each but the first stage of one
COMPARED = 256  # samples whose features are compared with those of the test split


def load_best(run: pathlib.Path) -> tuple[dict, configs.Config, dict]:
    """(weights, config, about) of a run's best checkpoint, as from `checkpoint.load`; raises CheckpointError."""
    return checkpoint.load(checkpoint.latest(run) / checkpoint.BEST, model_weights.shapes)


def export(run: pathlib.Path, name: str, folder: pathlib.Path, data: Dataset | None, notes: str) -> registry.ModelInfo:
    """Make a model folder of a run's best checkpoint; a folder that is there is replaced once the new one is whole.

    data: its test split is scored and compared with samples for the card, unless None.  notes: Markdown for the card.
    Raises checkpoint.CheckpointError, and registry.ModelError for weights that a model folder cannot hold.
    """
    weights, config, about = load_best(run)
    latest = checkpoint.latest(run)
    examples, validations = history.until(latest, about["step"], config.training.batch)
    figures = {"steps": about["step"], "examples_seen": examples, "commands": about["commands"]}
    if data is not None:
        figures["test"] = rounded(Evaluator(config)(registry.as_stored(weights), data.split("test")))
    with in_place_of(folder) as fresh:
        model = registry.load(registry.save(fresh, name, config, weights, figures).path)
        compared = None
        if data is not None and config.latent and quality.size(data, COMPARED):
            compared = quality.measure(model, data, COMPARED, 0)
        if validations:
            history.write(validations, fresh / history.HISTORY)
            draw_curves(history.read(latest)[1], fresh / CURVES)
        if config.latent:
            draw_samples(model, fresh / SAMPLES)
        text = card(model.info, figures, about["data"], notes, validations, compared)
        (fresh / registry.CARD).write_text(text, encoding="utf-8")
    return registry.describe(folder)


def draw_samples(model: registry.Model, path: pathlib.Path) -> None:
    """Piano rolls of UNPICKED samples from the prior at temperature 0.5 (paper, Sampling Details)."""
    job = Job("generate", model.name, UNPICKED, 0.5, 0, Constraints())
    clips = Renderer(model).render([(job, index) for index in range(UNPICKED)])
    draw_clips(clips, path, [str(index) for index in range(UNPICKED)], columns=4 if model.codec.bars == 2 else 2)


def draw_curves(validations: list[dict[str, float]], path: pathlib.Path) -> None:
    """Learning curves: reconstruction on train and validation examples, and KL, over examples seen."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    seen = [row["examples"] / 1e6 for row in validations]
    for which, label in (("seen", "train"), ("validation", "validation")):
        left.plot(seen, [row[f"{which}_reconstruction"] for row in validations], label=f"{label}, reconstruction")
        right.plot(seen, [row[f"{which}_kl"] for row in validations], label=label)
    left.plot(seen, [row["validation_next"] for row in validations], ":", label="validation, next step")
    left.set(xlabel="million examples seen", ylabel="accuracy", ylim=(0, 1))
    right.set(xlabel="million examples seen", ylabel="KL (nats)", ylim=(0, None))
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=110)


def made_with(commands: list[str], validations: list[dict[str, float]]) -> str:
    """The commands that made a model, Markdown, each with what it was really trained, as far as the validations tell.

    commands: each is followed by LATER_STAGE and a number for all of its stages but the first.
    """
    known = history.stages(validations)[-len(commands):]
    typed: list[tuple[str, list]] = []  # each with what its stages were trained, None where nothing tells
    for command, trained in zip(commands, [None] * (len(commands) - len(known)) + known):
        if not command.startswith(LATER_STAGE):
            typed.append((command, []))
        typed[-1][1].append(trained)
    lines = []
    for command, trained in typed:
        lines += [f"    {command}"]
        said = [f"{steps:,} steps ({examples:,} examples)" for steps, examples in filter(None, trained)]
        if len(trained) > 1 and said:
            lines += [f"Its {len(trained)} stages, each from the best weights of the one before it: {'; '.join(said)}."]
        elif said:
            lines += [f"Its weights after {said[0]}, the best of the run; with `--steps {trained[0][0]}` it ends there."]
    chain = ["One after the other: each fine-tunes what the one before it made."] if len(typed) > 1 else []
    return "\n\n".join([*lines, *chain])


def card(info: registry.ModelInfo, figures: dict, data: list[dict], notes: str, validations: list[dict[str, float]],
         compared: dict | None) -> str:
    """The model card, Markdown.

    data: meta and weight of every data set.  validations: until these weights.  compared: from `quality.measure`.
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
    if validations:
        sections += [f"![learning curves]({CURVES})"]
    if config.latent:
        sections += ["## Samples", f"The first {UNPICKED} of seed 0 at temperature 0.5, none left out "
                     f"(`musicvae generate {name} --count {UNPICKED} --seed 0 --plot`):", f"![samples]({SAMPLES})"]
    if compared:
        sections += [f"Overlap of feature distributions with the test split, {compared['examples']} examples of each "
                     f"(`musicvae quality {name} --data DIR --samples {COMPARED}`); `train` is what music of other songs "
                     "reaches, `test` what two halves of the test split do:", tables.markdown(*quality.table(compared))]
    sections += ["## Made with", made_with(figures["commands"], validations), "## Data"]
    for part in data:
        counts = part["meta"]["examples"]
        sections += [f"Weight {part['weight']:g}: {counts['train']:,} train, {counts['validation']:,} validation and "
                     f"{counts['test']:,} test examples from",
                     "\n".join(f"- {source['folder']}: {source['examples']:,} examples of {source['kept']:,} files"
                               for source in part["meta"]["sources"] if source.get("examples"))]
    return "\n\n".join(section.strip("\n") for section in [*sections, notes] if section) + "\n"
