"""The commands that train, evaluate and export models. Heavy imports stay inside the functions."""
import pathlib
import shlex
import sys

import click

from vae.config import ConfigError
from vae.errors import UserError
from vae.program import program
from vae.quiet import import_tensorflow


def open_weighted(text: str):
    """(data set, weight) of a `DIR` or `DIR=WEIGHT` argument."""
    from vae import dataset

    folder, _, weight = text.rpartition("=") if "=" in text else (text, "", "1")
    try:
        number, data = float(weight), dataset.open_dataset(pathlib.Path(folder))
    except (OSError, ValueError) as error:
        raise UserError(f"--data {text}: {error}") from None
    if number <= 0:
        raise UserError(f"--data {text}: the weight must be above 0. Received: {weight}")
    return data, number


def open_data(folders, task: str) -> tuple[list, list[float]]:
    """Data sets and their weights from `DIR` or `DIR=WEIGHT` arguments, checked against a model's task."""
    pairs = [open_weighted(text) for text in folders]
    for text, (data, _) in zip(folders, pairs):
        if data.task != task:
            raise UserError(f"--data {text}: holds examples for {data.task}, but the model's task is {task}")
    return [data for data, _ in pairs], [weight for _, weight in pairs]


def make_trainer(config, data, weights, out, validation_examples, save_every, start=None, earlier=()):
    """A Trainer that keeps with its run what a model card says of it. data, weights: as from `open_data`.

    start: weights to begin from.  earlier: the commands that made them.
    """
    sources = [one.split("train") for one in data]
    for one, source in zip(data, sources):
        if not len(source):
            raise UserError(f"--data {one.path}: has no training examples")
    validation = data[0].split("validation")[:validation_examples]
    if not len(validation):
        raise UserError(f"--data {data[0].path}: has no validation examples to choose the best checkpoint by")

    import_tensorflow()
    from vae.training import checkpoint, loop
    about = {"config": config.as_dict(), "data": [{"meta": one.meta, "weight": w} for one, w in zip(data, weights)],
             "commands": [*earlier, command_line()]}
    try:
        return loop.Trainer(config, sources, weights, validation, out, about, start, save_every)
    except (checkpoint.CheckpointError, ConfigError, ValueError) as error:
        raise UserError(str(error)) from None


def command_line() -> str:
    """The command that was typed, for a model card: of absolute paths, which mean nothing elsewhere, the last part."""
    words = [pathlib.Path(word).name if pathlib.Path(word).is_absolute() else word for word in sys.argv[1:]]
    return "musicvae " + shlex.join(words)


@click.command()
@click.argument("config")
@click.option("--data", required=True, multiple=True, metavar="DIR[=WEIGHT]",
              help="A data set from `dataset build`; repeat it to mix several, by weight.")
@click.option("--out", required=True, type=click.Path(path_type=pathlib.Path), help="Run folder; an existing run goes on.")
@click.option("--fine-tune", metavar="MODEL", help="Start from this model's weights (a shipped name or a folder).")
@click.option("--steps", type=click.IntRange(1), help="Train this many steps instead of the config's.")
@click.option("--validation-examples", type=click.IntRange(1), default=2048, show_default=True,
              help="Score at most this many validation examples at each checkpoint.")
@click.option("--save-every", type=click.IntRange(1), default=500, show_default=True,
              help="Steps between checkpoints, each with a validation.")
def train(config, data, out, fine_tune, steps, validation_examples, save_every):
    """Train the model of CONFIG (a YAML file or a name from vae/configs).

    Killed or interrupted, the same command goes on from the last checkpoint and ends with the very same weights.
    `tensorboard --logdir RUN/logs` shows the curves; RUN/history.csv holds them as numbers.
    """
    import dataclasses

    from vae import config as configs
    try:
        config = configs.read(config)
    except ConfigError as error:
        raise UserError(str(error)) from None
    if config.training is None:
        raise UserError("config: missing key 'training', the schedule to train by")
    if steps:
        config = dataclasses.replace(config, training=dataclasses.replace(config.training, steps=steps))
    opened, weights = open_data(data, config.task)
    from vae import registry
    start, earlier = None, []
    if fine_tune:
        try:
            model = registry.resolve(fine_tune)
            start = registry.starting_weights(model, config)
        except registry.ModelError as error:
            raise UserError(f"--fine-tune {fine_tune}: {error}") from None
        earlier = model.figures.get("commands", [])
    trainer = make_trainer(config, opened, weights, out, validation_examples, save_every, start, earlier)
    if fine_tune:
        from vae.training.loop import keep_earlier_history
        keep_earlier_history(model.path, out)
    if train_with_progress(trainer, "training"):
        click.echo(f"Trained {trainer.config.training.steps} steps. Next: {program()} export {trainer.out} --name NAME")
    else:
        click.echo(f"Interrupted at step {trainer.step}; the same command goes on from there.")
        raise SystemExit(130)


def train_with_progress(trainer, title: str) -> bool:
    """Run a trainer behind a progress bar. Returns False when it was interrupted."""
    from rich import progress

    columns = [progress.TextColumn("{task.description}"), progress.BarColumn(bar_width=20),
               progress.MofNCompleteColumn(), progress.TimeRemainingColumn(),
               progress.TextColumn("{task.fields[figures]}")]
    total = trainer.config.training.steps
    with progress.Progress(*columns) as bar:
        task = bar.add_task(title, total=total, completed=trainer.step, figures="compiling")
        shown = {}

        def report(**figures):
            shown.update(figures)
            text = ""
            if "loss" in shown:
                text = (f"loss {shown['loss']:.3f}  next {shown['next_accuracy']:.3f}  KL {shown['kl']:.1f}  "
                        f"{shown['examples_per_second']:.0f} examples/s")
            if "validation" in figures:
                recon = [sum(s.reconstruction) / len(s.reconstruction) for s in (figures["validation"], figures["seen"])]
                shown["scores"] = f"  reconstruction {recon[0]:.3f} (train {recon[1]:.3f})"
                bar.console.print(f"step {trainer.step}: validation reconstruction {recon[0]:.4f}, "
                                  f"next {sum(figures['validation'].next) / len(figures['validation'].next):.4f}, "
                                  f"KL {figures['validation'].kl:.1f} nats; on train examples {recon[1]:.4f}")
            bar.update(task, completed=figures.get("step", trainer.step), figures=text + shown.get("scores", ""))

        return trainer.run(report)


@click.command()
@click.argument("model")
@click.option("--data", required=True, metavar="DIR", help="A data set from `dataset build`.")
@click.option("--split", type=click.Choice(["train", "validation", "test"]), default="test", show_default=True)
@click.option("--examples", type=click.IntRange(1), help="Score only the first so many.", show_default="all")
@click.option("--json", "json_path", type=click.Path(dir_okay=False, allow_dash=True), help="Write the scores as JSON (- for standard output).")
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
    if json_path != "-":
        shown = table.Table(title=f"{info.name} on {split}, {scores.examples:,} examples", title_justify="left")
        for column in ("part", "next", "recon", "KL (nats)"):
            shown.add_column(column, justify="left" if column == "part" else "right")
        for number, part in enumerate(loaded.codec.parts):
            shown.add_row(part, f"{scores.next[number]:.4f}", f"{scores.reconstruction[number]:.4f}",
                          f"{scores.kl:.1f}" if number == 0 else "")
        console.Console().print(shown)
    if json_path:
        with click.open_file(json_path, "w") as file:
            file.write(json.dumps(values, indent=2) + "\n")


@click.command()
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=pathlib.Path))
@click.option("--name", required=True, help="The model's name, as the daemon and the devices show it.")
@click.option("--to", type=click.Path(file_okay=False, path_type=pathlib.Path), show_default="~/.musicvae/models, where the daemon looks",
              help="Folder that holds model folders.")
@click.option("--data", metavar="DIR", help="Score this data set's test split for the card.")
@click.option("--notes", type=click.Path(exists=True, dir_okay=False, path_type=pathlib.Path),
              help="Markdown to add to the card: licences, limits.")
def export(run, name, to, data, notes):
    """Make a model folder of RUN's best checkpoint: weights, config and a model card."""
    import re
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", name):
        raise UserError(f"--name: must be 1 to 64 letters, digits, '_', '-' or '.', beginning with a letter or digit. Received: {name!r}")
    import_tensorflow()
    from vae import registry
    from vae.training import checkpoint
    from vae.training import export as exporting
    try:
        config = exporting.run_config(run)
        opened = open_data([data], config.task)[0][0] if data else None
        info = exporting.export(run, name, (to or registry.OWN) / name, opened, notes.read_text() if notes else "")
    except checkpoint.CheckpointError as error:
        raise UserError(str(error)) from None
    size = (info.path / registry.WEIGHTS).stat().st_size
    click.echo(f"Wrote {info.path}: {info.parameters:,} parameters, {size / 1e6:.1f} MB. "
               f"Next: {program()} generate {info.path if to else name} --plot")
