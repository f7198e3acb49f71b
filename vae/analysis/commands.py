"""The commands that measure: table1, structure, quality and benchmark. Heavy imports stay inside the functions."""
import json
import pathlib

import click

from vae import tables
from vae.analysis import table1 as paper_table
from vae.commands import open_data, open_weighted, trainers
from vae.errors import UserError
from vae.outputs import PICTURE, OutputFile, OutputFolder
from vae.quiet import import_tensorflow

VALIDATIONS, VALIDATION_EXAMPLES = 10, 512  # of a run of table1: long pieces take minutes to validate

FOLDERS = click.option("--folders", type=click.Path(exists=True, file_okay=False), multiple=True,
                       help="Look for models here too; repeat it for several.")
DATA = click.option("--data", required=True, metavar="DIR", help="A data set of the model's task from `dataset build`.")
SEED = click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True,
                    help="Chooses the samples.")


def _opened(model: str, data: str, folders):
    """(loaded model, data set); raises UserError."""
    from vae import registry
    try:
        info = registry.resolve(model, folders)
        (opened,), _ = open_data([data], info.task)
        if len(opened.split("test")) < 2 or not len(opened.split("train")):
            raise UserError(f"--data {data}: needs 2 test examples and a train example at least")
        import_tensorflow()
        return registry.load(info.path), opened
    except registry.ModelError as error:
        raise UserError(str(error)) from None


def _measured(function, model, data, samples: int, seed: int):
    """What `function` measures of samples, behind a progress bar."""
    from rich import progress

    with progress.Progress(transient=True) as bar:
        task = bar.add_task("sampling", total=samples)
        return function(model, data, samples, seed, lambda done: bar.update(task, completed=done))


def _write_json(path: pathlib.Path | None, values: dict) -> None:
    if path:
        path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
        click.echo(f"figures: {path}")


@click.command()
@click.argument("model")
@DATA
@click.option("--samples", type=click.IntRange(1), default=1000, show_default=True,
              help="Draw at most so many; no more than half the test split has, so that like is compared with like.")
@SEED
@click.option("--json", "json_path", type=OutputFile(), help="Write figures and histograms as JSON.")
@click.option("--plot", type=PICTURE, help="Draw the distributions on a PNG, JPG, PDF or SVG.")
@FOLDERS
def quality(model, data, samples, seed, json_path, plot, folders):
    """How much samples of MODEL are like real music: the overlap of feature distributions.

    1 means the same distribution, 0 nothing in common. Samples from the prior (temperature 0.5), training examples
    (other songs) and the other half of the test split (the same songs) are each compared with half of the test split.
    """
    model, data = _opened(model, data, folders)
    from vae.analysis import quality as measuring
    count = measuring.size(data, samples)
    result = _measured(measuring.measure, model, data, count, seed)
    tables.show(f"{model.name}: overlap with the test split, {count:,} examples of each set", *measuring.table(result))
    _write_json(json_path, result)
    if plot:
        from vae.analysis.plots import draw_histograms
        draw_histograms(result, plot)
        click.echo(f"picture: {plot}")


@click.command()
@click.argument("model")
@DATA
@click.option("--samples", type=click.IntRange(2), default=256, show_default=True,
              help="Draw so many, and take at most so many of the test split.")
@SEED
@click.option("--json", "json_path", type=OutputFile(), help="Write the figures as JSON.")
@click.option("--plot", type=PICTURE, help="Draw similarity matrices on a PNG, JPG, PDF or SVG.")
@FOLDERS
def structure(model, data, samples, seed, json_path, plot, folders):
    """Long-term structure of MODEL's samples against that of the test split.

    Similarity of bars by their distance: 1 means that they have the same notes at the same places, and "shuffled" is
    what bars of different clips have in common. For trios also how often bass and lead agree on beats: the bass's
    pitch class among the lead's in the beat or bar, and the lead consonant with the bass.
    """
    model, data = _opened(model, data, folders)
    from vae.analysis import structure as measuring
    result, matrices = _measured(measuring.measure, model, data, samples, seed)
    sizes = f"{result['examples']['samples']:,} samples and {result['examples']['test']:,} test clips"
    tables.show(f"{model.name}: similarity of bars, {sizes}", *measuring.similarity_table(result))
    if "agreement" in result:
        tables.show("agreement of bass and lead, share of beats", *measuring.agreement_table(result))
    _write_json(json_path, result)
    if plot:
        from vae.analysis.plots import draw_similarity
        draw_similarity(result, matrices, plot)
        click.echo(f"picture: {plot}")


@click.command()
@click.option("--data", required=True, multiple=True, metavar="DIR[=WEIGHT]",
              help="A data set; rows without one are left out. Repeat it for more rows, or to mix several of one task "
                   "by weight, of which the first is validated and tested on.")
@click.option("--size", type=click.Choice(paper_table.SIZES), default="small", show_default=True, help="Which configs.")
@click.option("--out", required=True, type=OutputFolder(),
              help="Folder of the runs and of table1.md and table1.json; what is there already is not trained again.")
@click.option("--steps", multiple=True, metavar="[TASK=]N",
              help="Train so many steps instead of the configs', all runs or one task's.")
@click.option("--no-train", is_flag=True, help="Only score the runs that are in the folder, finished or not.")
def table1(data, size, out, steps, no_train):
    """Train and score all models of the paper's Table 1, and print the table beside the paper's figures.

    Every model is trained as a decoder-only baseline, as a VAE, and as a VAE with scheduled sampling. Interrupted, the
    same command goes on. Runs are named TASK_SIZE_VARIANT and are ordinary ones: `musicvae train` can have made them.
    """
    from vae import config as configs

    opened = {}
    for text in data:
        pair = open_weighted(text)
        opened.setdefault(pair[0].task, []).append(pair)
    chosen = _steps(steps)
    for task, pairs in opened.items():
        if not len(pairs[0][0].split("test")):
            raise UserError(f"--data {pairs[0][0].path}: has no test examples")
    import_tensorflow().get_logger().setLevel("ERROR")  # it warns that each run compiles its own functions, as it must
    from vae.training import checkpoint
    results, left_out = {}, [f"{task}: no data set given" for task in paper_table.TASKS if task not in opened]
    counts = {task: {"train": sum(len(one.split("train")) for one, _ in pairs), "test": len(pairs[0][0].split("test"))}
              for task, pairs in opened.items()}
    runs = [(task, name) for task in paper_table.TASKS if task in opened for name in paper_table.VARIANTS]
    for number, (task, name) in enumerate(runs, 1):
        base = paper_table.base_name(task, size)
        run, title = out / f"{base}_{name}", f"{number}/{len(runs)}"
        config = paper_table.variant(configs.read(base), name)
        if not no_train:
            click.echo(f"{title}: training {run.name}")
            _train(config, opened[task], run, title, chosen.get(task))
        elif not (checkpoint.latest(run) / checkpoint.BEST).exists():
            left_out.append(f"{run.name}: not trained to its first validation")
            continue
        click.echo(f"{title}: scoring {run.name}")
        results.setdefault(task, {})[name] = _score(config, opened[task][0][0].split("test"), run, title)
        _write_table1(out, results, counts, size, left_out)  # what there is so far, should the rest be interrupted
    if not results:
        raise UserError(f"--out {out}: has no run to score. {'; '.join(left_out)}")
    _write_table1(out, results, counts, size, left_out)
    tables.show(f"Table 1, size {size}", *paper_table.accuracy_table(results))
    tables.show("trained on", *paper_table.training_table(results, counts))
    for row, what, holds in paper_table.orders(results):
        click.echo(f"{row}, {what}: {'yes' if holds else 'NO'}")
    for text in left_out:
        click.echo(f"left out: {text}")
    click.echo(f"Wrote {out / 'table1.md'} and {out / 'table1.json'}")


def _write_table1(out: pathlib.Path, *result) -> None:
    (out / "table1.md").write_text(paper_table.report(*result), encoding="utf-8")
    (out / "table1.json").write_text(json.dumps(paper_table.plain(*result), indent=2) + "\n", encoding="utf-8")


def _steps(texts) -> dict[str, int]:
    """Task to steps from `N` and `TASK=N` arguments, of which the last that names a task counts."""
    chosen = {}
    for text in texts:
        task, _, number = text.rpartition("=")
        if not number.isdecimal() or int(number) < 1 or task not in ("", *paper_table.TASKS):
            raise UserError(f"--steps: must be a number above 0, or TASK=NUMBER with a task of "
                            f"{', '.join(paper_table.TASKS)}. Received: {text}")
        chosen.update(dict.fromkeys([task] if task else paper_table.TASKS, int(number)))
    return chosen


def _train(config, pairs, run: pathlib.Path, title: str, steps: int | None) -> None:
    """Train a run to its end, or do nothing if it is there already."""
    from vae.training import progress
    for trainer in trainers(config, *map(list, zip(*pairs)), run, VALIDATION_EXAMPLES,
                            lambda own: max(1, own // VALIDATIONS), steps=steps):
        if trainer.step < trainer.config.training.steps and not progress.train(trainer, title):
            click.echo(f"Interrupted at step {trainer.step} of {run.name}; the same command goes on from there.")
            raise SystemExit(130)


def _score(config, test, run: pathlib.Path, title: str) -> dict:
    from rich import progress

    from vae.training.checkpoint import CheckpointError
    with progress.Progress(transient=True) as bar:
        task = bar.add_task(title, total=len(test))
        try:
            return paper_table.score(run, config, test, lambda done: bar.update(task, completed=done))
        except CheckpointError as error:
            raise UserError(str(error)) from None


@click.command()
@click.argument("config", default="melody_32bar_small")
@click.option("--batch", type=click.IntRange(1), help="Examples of a step.", show_default="the config's")
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="Steps to time of each form.")
def benchmark(config, batch, rounds):
    """Speed of training CONFIG (a YAML file or a name from vae/configs) on this machine, on random examples; of a training
    in stages, that of the last.

    A hierarchical decoder is timed in two forms of the same computation: all segments of a piece as one batch, which is
    how it is trained, and one segment after the other.
    """
    import dataclasses

    from vae import config as configs
    try:
        config = configs.read(config)
    except configs.ConfigError as error:
        raise UserError(str(error)) from None
    if config.training is None:
        raise UserError("config: missing key 'training', the schedule to train by")
    config = config.stages[-1]
    if batch:
        config = dataclasses.replace(config, training=dataclasses.replace(config.training, batch=batch))
    import_tensorflow()
    from rich import console

    from vae.analysis import benchmark as measuring
    with console.Console().status("starting") as status:
        speeds = measuring.measure(config, rounds, status.update)
    tables.show(f"training {config.task}, {config.training.batch} examples a step", ("form", "examples/s"),
                [(form, f"{speed:.1f}") for form, speed in speeds.items()])
    if len(speeds) > 1:
        ratio = speeds[measuring.TOGETHER] / speeds[measuring.IN_TURN]
        click.echo(f"{measuring.TOGETHER}: {ratio:.2f} times as fast as {measuring.IN_TURN}")
