"""The commands that train, evaluate and export models. Heavy imports stay inside the functions."""
import math
import pathlib
import shlex
import sys

import click

from vae.config import ConfigError
from vae.errors import UserError
from vae.outputs import OutputFile, OutputFolder, check_folder
from vae.program import program
from vae.quiet import import_tensorflow


def open_weighted(text: str):
    """(data set, weight) of a `DIR` or `DIR=WEIGHT` argument."""
    from vae import dataset

    folder, equals, weight = text.rpartition("=")
    if not equals or pathlib.Path(text).is_dir():
        folder, weight = text, "1"
    try:
        number = float(weight)
    except ValueError:
        raise UserError(f"--data {text}: is no folder, and what stands after '=' is no weight, which is a number above 0. "
                        f"Received: {weight!r}") from None
    if not 0 < number < math.inf:
        raise UserError(f"--data {text}: the weight must be a finite number above 0. Received: {weight}")
    try:
        return dataset.open_dataset(pathlib.Path(folder)), number
    except (OSError, ValueError) as error:
        raise UserError(f"--data {text}: {error}") from None


def open_data(folders, task: str) -> tuple[list, list[float]]:
    """Data sets and their weights from `DIR` or `DIR=WEIGHT` arguments, checked against a model's task."""
    pairs = [open_weighted(text) for text in folders]
    for text, (data, _) in zip(folders, pairs):
        if data.task != task:
            raise UserError(f"--data {text}: holds examples for {data.task}, but the model's task is {task}")
    return [data for data, _ in pairs], [weight for _, weight in pairs]


def trainers(config, data, weights, out, validation_examples, save_every, model=None, steps=None):
    """The Trainer of each stage of a training, when those before it are done: in `out`, or where there are several in a
    folder of it each. Every one keeps with its run what a model card says of it.

    data, weights: as from `open_data`.  model: ModelInfo of the model to begin from, or None.
    steps: of all stages together, instead of the config's: they are done one after the other until so many are done, and
        the last takes what is left over.
    save_every: steps between checkpoints, or a function of a stage's steps.
    """
    import dataclasses

    from vae.training import checkpoint
    stages = config.stages
    several = len(stages) > 1
    if (out / checkpoint.CHECKPOINT if several else checkpoint.stage_folder(out, 1)).exists():
        raise UserError(f"{out} is of a training {'of one stage' if several else 'in several stages'}, which this "
                        "config's is not; continue with that one, or choose another run folder")
    before = None
    for number, stage in enumerate(stages, 1):
        if steps is not None:
            share = steps if number == len(stages) else min(steps, stage.training.steps)
            steps -= share
            if not share:
                return
            stage = dataclasses.replace(stage, training=dataclasses.replace(stage.training, steps=share))
        folder = checkpoint.stage_folder(out, number) if several else out
        every = save_every(stage.training.steps) if callable(save_every) else save_every
        yield _trainer(stage, data, weights, folder, validation_examples, every, model, number, before)
        model, before = None, folder


def _trainer(config, data, weights, out, validation_examples, save_every, model, number, before):
    """The Trainer of stage `number`. model: as for `trainers`.  before: the run of the stage before it, or None."""
    sources = [one.split("train") for one in data]
    for one, source in zip(data, sources):
        if not len(source):
            raise UserError(f"--data {one.path}: has no training examples")
    validation = data[0].split("validation")[:validation_examples]
    if not len(validation):
        raise UserError(f"--data {data[0].path}: has no validation examples to choose the best checkpoint by")

    import_tensorflow()
    from vae import registry
    from vae.training import checkpoint, export, history, loop
    about = {"config": config.as_dict(), "data": [{"meta": one.meta, "weight": w} for one, w in zip(data, weights)],
             "commands": [*(model.commands if model else []), command_line()],
             "start": {"name": model.name, "sha256": model.sha256} if model else None}
    start, validations = {}, []
    try:
        if model:
            start, (_, validations) = registry.starting_weights(model, config), history.read(model.path)
        elif before and (before / checkpoint.BEST).exists():  # of several machines, the first has it
            start, done, earlier = export.load_best(before)
            about["commands"] = [*earlier["commands"], f"{export.LATER_STAGE}{number}"]
            _, validations = history.until(before, earlier["step"], done.training.batch)
        elif config.training.decoders:
            start = registry.decoder_weights([registry.resolve(name) for name in config.training.decoders], config)
        trainer = loop.Trainer(config, sources, weights, validation, out, about, start, save_every)
    except registry.ModelError as error:
        raise UserError(f"{'--fine-tune' if model else 'decoders'}: {error}") from None
    except ValueError as error:
        raise UserError(str(error)) from None
    if trainer.chief and not trainer.resumed:
        history.begin(trainer.out, validations)
    return trainer


def command_line() -> str:
    """The command that was typed, for a model card: of absolute paths, which mean nothing elsewhere, the last part."""
    words = [pathlib.Path(word).name if pathlib.Path(word).is_absolute() else word for word in sys.argv[1:]]
    return "musicvae " + shlex.join(words)


@click.command()
@click.argument("config")
@click.option("--data", required=True, multiple=True, metavar="DIR[=WEIGHT]",
              help="A data set from `dataset build`; repeat it to mix several, by weight.")
@click.option("--out", required=True, type=OutputFolder(), help="Run folder; an existing run goes on.")
@click.option("--fine-tune", metavar="MODEL",
              help="Begin with this model's weights (a shipped name or a folder); a run that goes on need not be told.")
@click.option("--steps", type=click.IntRange(1),
              help="Train this many steps instead of the config's; of all its stages together, one after the other.")
@click.option("--validation-examples", type=click.IntRange(1), default=2048, show_default=True,
              help="Score at most this many validation examples at each checkpoint.")
@click.option("--save-every", type=click.IntRange(1), default=500, show_default=True,
              help="Steps between checkpoints, each with a validation.")
def train(config, data, out, fine_tune, steps, validation_examples, save_every):
    """Train the model of CONFIG (a YAML file or a name from vae/configs).

    Killed or interrupted, the same command goes on from the last checkpoint and ends with the very same weights.
    `tensorboard --logdir RUN` shows the curves; RUN/history.csv holds them as numbers.
    """
    from vae import config as configs
    try:
        config = configs.read(config)
    except ConfigError as error:
        raise UserError(str(error)) from None
    if config.training is None:
        raise UserError("config: missing key 'training', the schedule to train by")
    opened, weights = open_data(data, config.task)
    model = None
    if fine_tune:
        from vae import registry
        try:
            model = registry.resolve(fine_tune)
        except registry.ModelError as error:
            raise UserError(f"--fine-tune {fine_tune}: {error}") from None
    following = f"Next: {program()} export {shlex.quote(str(out))} --name NAME"
    asked = steps or sum(stage.training.steps for stage in config.stages)
    trained = done = 0
    for number, trainer in enumerate(trainers(config, opened, weights, out, validation_examples, save_every, model, steps), 1):
        done += trainer.step
        if trainer.step >= trainer.config.training.steps:
            continue
        trained -= trainer.step
        from vae.training import progress
        if not progress.train(trainer, f"stage {number} of {len(config.stages)}" if config.then else "training"):
            click.echo(f"Interrupted at step {trainer.step}{f' of stage {number}' if config.then else ''}; the same command "
                       "goes on from there.")
            raise SystemExit(130)
        trained += trainer.step
    if not trained:
        click.echo(f"{out} has {done:,} steps, of {asked:,} that were asked for: nothing to train. {following}")
    else:
        click.echo(f"Trained {done + trained} steps. {following}")


@click.command()
@click.argument("model")
@click.option("--data", required=True, metavar="DIR", help="A data set from `dataset build`.")
@click.option("--split", type=click.Choice(["train", "validation", "test"]), default="test", show_default=True)
@click.option("--examples", type=click.IntRange(1), help="Score only the first so many.", show_default="all")
@click.option("--json", "json_path", type=OutputFile(allow_dash=True), help="Write the scores as JSON (- for standard output).")
def evaluate(model, data, split, examples, json_path):
    """Score MODEL (a name or a folder) by the columns of the paper's Table 1.

    Next: accuracy of the next step under teacher forcing. Recon: accuracy when the clip is encoded and then decoded
    without teacher forcing. KL in nats. z is the posterior's mean and every decision the most likely class.
    """
    from vae import registry
    try:
        info = registry.resolve(model)
    except registry.ModelError as error:
        raise UserError(str(error)) from None
    (opened,), _ = open_data([data], info.task)
    chosen = opened.split(split)[:examples]
    if not len(chosen):
        raise UserError(f"--data {data}: the {split} split has no examples")

    import json

    import_tensorflow()
    from rich import console, progress, table

    from vae.training import evaluate as evaluation
    try:
        loaded = registry.load(info.path)
    except registry.ModelError as error:
        raise UserError(str(error)) from None
    with progress.Progress(transient=True) as bar:
        task = bar.add_task("evaluating", total=len(chosen))
        scores = evaluation.Evaluator(loaded.config)(loaded.weights, chosen, lambda done: bar.update(task, completed=done))
    values = {"model": info.name, "split": split, **evaluation.rounded(scores)}
    if str(json_path) != "-":
        shown = table.Table(title=f"{info.name} on {split}, {scores.examples:,} examples", title_justify="left")
        for column in ("part", "next", "recon", "KL (nats)"):
            shown.add_column(column, justify="left" if column == "part" else "right")
        for number, part in enumerate(loaded.codec.parts):
            shown.add_row(part, f"{scores.next[number]:.4f}", f"{scores.reconstruction[number]:.4f}",
                          f"{scores.kl:.1f}" if number == 0 else "")
        console.Console().print(shown)
    if json_path:
        with click.open_file(str(json_path), "w") as file:
            file.write(json.dumps(values, indent=2) + "\n")


@click.command()
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=pathlib.Path))
@click.option("--name", required=True, help="The model's name, as the daemon and the devices show it.")
@click.option("--to", type=OutputFolder(), show_default="~/.musicvae/models, where the daemon looks",
              help="Folder that holds model folders.")
@click.option("--force", is_flag=True, help="Replace a model that is there, its card and all.")
@click.option("--data", metavar="DIR", help="Score this data set's test split for the card.")
@click.option("--notes", type=click.Path(exists=True, dir_okay=False, path_type=pathlib.Path),
              help="Markdown to add to the card: licences, limits.")
def export(run, name, to, force, data, notes):
    """Make a model folder of RUN's best checkpoint: weights, config and a model card.

    What is there of that name stays as it is until the new folder is whole; a daemon that serves it is not disturbed.
    """
    import re
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", name):
        raise UserError(f"--name: must be 1 to 64 letters, digits, '_', '-' or '.', beginning with a letter or digit. Received: {name!r}")
    try:
        text = notes.read_text(encoding="utf-8") if notes else ""
    except UnicodeDecodeError as error:
        raise UserError(f"--notes {notes}: must be UTF-8 text: {error}") from None
    from vae import registry
    folder = (to or registry.OWN) / name
    _check_place(folder, force)
    import_tensorflow()
    from vae.training import checkpoint
    from vae.training import export as exporting
    try:
        _, config, _ = exporting.load_best(run)
        opened = open_data([data], config.task)[0][0] if data else None
        if opened and not len(opened.split("test")):
            raise UserError(f"--data {data}: has no test examples to score")
        info = exporting.export(run, name, folder, opened, text)
    except (checkpoint.CheckpointError, registry.ModelError) as error:
        raise UserError(str(error)) from None
    size = (info.path / registry.WEIGHTS).stat().st_size
    model = shlex.quote(str(info.path) if to else name)
    following = f"generate {model} --plot" if info.latent else f"evaluate {model} --data DIR"
    click.echo(f"Wrote {info.path}: {info.parameters:,} parameters, {size / 1e6:.1f} MB. Next: {program()} {following}")


def _check_place(folder: pathlib.Path, force: bool) -> None:
    """Raise UserError unless a model may be written there."""
    from vae import registry
    try:
        check_folder(folder)
        held = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    except OSError as error:
        raise UserError(f"{folder}: no folder that can be written into: {error}") from None
    if held and not {registry.ABOUT, registry.WEIGHTS} & set(held):
        raise UserError(f"{folder} holds what is no model ({', '.join(held[:3])}); choose another --name")
    if held and not force:
        raise UserError(f"{folder} is there already; choose another --name, or replace it, its card and all, with --force")
