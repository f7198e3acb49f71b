"""The paper's Table 1 at a given size: each of its models as a decoder-only baseline, as a VAE, and as a VAE trained
with scheduled sampling, in runs of `vae.training` that are scored on the test split.
"""
import dataclasses
import pathlib
from collections.abc import Callable

import numpy as np

from vae import codecs, tables
from vae.config import Config, Training

BASELINE, VAE, SCHEDULED = VARIANTS = ("baseline", "vae", "vae_scheduled")
TITLES = {BASELINE: "baseline", VAE: "VAE", SCHEDULED: "VAE, scheduled"}  # sampling
SIZES = ("small", "paper")

# Table 1 of the paper: (task, part) to next and reconstruction accuracy, and from the second variant on KL in nats
# (which a trio has once, with its lead).
PAPER = {
    ("drums_2bar", "drums"): ("2-bar Drum", (0.722, 0.395), (0.979, 0.917, 70.7), (0.972, 0.963, 73.5)),
    ("melody_2bar", "melody"): ("2-bar Melody", (0.723, 0.619), (0.986, 0.951, 72.9), (0.989, 0.987, 76.2)),
    ("melody_32bar", "melody"): ("32-bar Melody", (0.736, 0.579), (0.824, 0.674, 173.2), (0.724, 0.722, 343.8)),
    ("trio_16bar", "lead"): ("16-bar Trio (Lead)", (0.735, 0.423), (0.818, 0.653, 177.4), (0.763, 0.761, 811.6)),
    ("trio_16bar", "bass"): ("16-bar Trio (Bass)", (0.781, 0.414), (0.882, 0.692), (0.824, 0.823)),
    ("trio_16bar", "drums"): ("16-bar Trio (Drums)", (0.810, 0.221), (0.926, 0.808), (0.871, 0.868)),
}
EXPLANATION = """\
Accuracies of teacher-forced next-step predictions (next) and of reconstructions (recon), and KL in nats, each beside
the paper's figure. z is the posterior's mean and each decision the most likely class; a baseline has no z, and its
reconstruction is the most likely sequence it writes when nothing is given. The second table says how many examples
there were, how long each run was trained, and how often it was fed its own events instead of the true ones in the end.
"""
TASKS = tuple(dict.fromkeys(task for task, _ in PAPER))


def base_name(task: str, size: str) -> str:
    """The config that the variants of a task are made from."""
    return task if size == "paper" else f"{task}_{size}"


def variant(config: Config, name: str) -> Config:
    """A config as one of `VARIANTS`; all else (sizes, data, schedules) stays the same.

    The baseline is the decoder alone, and is trained on whole pieces in one stage, by the schedule of the first. Of the
    paper's configs it is just what vae/configs/*_baseline.yaml hold.
    """
    if name == SCHEDULED:
        return config
    stages = [dataclasses.replace(stage.training, scheduled_sampling=0.0) for stage in config.stages]
    if name == VAE:
        return dataclasses.replace(config, training=stages[0], then=tuple(stages[1:]))
    training = dataclasses.replace(stages[0], free_bits=0.0, beta=Training.beta, excerpt=0, decoders=())
    return dataclasses.replace(config, latent=0, encoder=(), conductor=(), segments=0, embedding=0, training=training, then=())


def score(run: pathlib.Path, expected: Config, test: np.ndarray,
          progress: Callable[[int], None] = lambda done: None) -> dict:
    """The test scores of a run's best checkpoint, and how it was trained, as plain values.

    Steps are those of all its stages, where it was fine-tuned; the batch and the share of own events are the last one's.

    expected: what the run should be of. Raises checkpoint.CheckpointError if it is another model, or is no run.
    """
    from vae.training import checkpoint, evaluate, export, history

    weights, config, about = export.load_best(run)
    scheduled = bool(config.training.scheduled_sampling)
    if config != expected or scheduled not in [bool(stage.training.scheduled_sampling) for stage in expected.stages]:
        raise checkpoint.CheckpointError(f"{run} is of another model than this size and variant of Table 1")
    scores = evaluate.Evaluator(config)(weights, test, progress)
    before, validations = history.read(checkpoint.latest(run))
    earlier = sum(steps for steps, _ in history.stages([row for row in validations if row["examples"] <= before]))
    last = max([about["step"], *(int(row["step"]) for row in validations if row["examples"] > before)])
    return {**evaluate.rounded(scores), "steps": earlier + last, "best_step": earlier + about["step"],
            "batch": config.training.batch, "parameters": sum(value.size for value in weights.values()),
            "own_events": round(1.0 - config.training.truth_probability(last), 3)}


def orders(results: dict) -> list[tuple[str, str, bool]]:
    """Whether the order of Table 1's columns holds: (row, what is compared, whether it is so) where both are there.

    results: task to variant to `score`.
    """
    found = []
    for (task, part), (row, *_) in PAPER.items():
        stream = codecs.codec(task).parts.index(part)
        recon = {name: scores["reconstruction"][stream] for name, scores in results.get(task, {}).items()}
        found += [(row, f"reconstruction: {TITLES[more]} above {TITLES[less]}", recon[more] > recon[less])
                  for less, more in ((BASELINE, VAE), (VAE, SCHEDULED)) if less in recon and more in recon]
    return found


def accuracy_table(results: dict) -> tuple[tuple[str, ...], list[tuple]]:
    """(columns, rows): Table 1, each measured figure beside the paper's."""
    rows = []
    for (task, part), (row, *published) in PAPER.items():
        stream = codecs.codec(task).parts.index(part)
        for name, (following, reconstruction, *divergence) in zip(VARIANTS, published):
            scores = results.get(task, {}).get(name)
            if scores:
                ours = f"{scores['kl']:.1f}" if divergence else None
                rows.append((row, TITLES[name], scores["next"][stream], following, scores["reconstruction"][stream],
                             reconstruction, ours, f"{divergence[0]:.1f}" if divergence else None))
    return ("model", "variant", "next", "paper", "recon", "paper", "KL", "paper"), rows


def training_table(results: dict, data: dict) -> tuple[tuple[str, ...], list[tuple]]:
    """(columns, rows): the data of each run in examples, and how long it was trained: steps, the step of the best
    checkpoint, and the share of its own events that scheduled sampling fed to it in the end."""
    rows = [(task, TITLES[name], data[task]["train"], data[task]["test"], scores["batch"], scores["steps"],
             scores["best_step"], f"{scores['own_events']:.0%}")
            for task, variants in results.items() for name, scores in variants.items()]
    return ("task", "variant", "train", "test", "batch", "steps", "best at", "own"), rows


def report(results: dict, data: dict, size: str, left_out: list[str]) -> str:
    """The whole result in Markdown."""
    holds = [(row, what, "yes" if so else "no") for row, what, so in orders(results)]
    text = f"# Table 1 at size `{size}`\n\n{EXPLANATION}\n"
    text += f"{tables.markdown(*accuracy_table(results))}\n{tables.markdown(*training_table(results, data))}\n"
    text += tables.markdown(("model", "the paper's order of columns", "holds"), holds)
    return text + (f"\nLeft out: {'; '.join(left_out)}.\n" if left_out else "")


def plain(results: dict, data: dict, size: str, left_out: list[str]) -> dict:
    """The whole result as plain values, for JSON."""
    published = {f"{task} {part}": dict(zip(VARIANTS, map(list, figures)))
                 for (task, part), (_, *figures) in PAPER.items()}
    return {"size": size, "data": data, "results": results, "paper": published, "left_out": left_out,
            "orders": [{"row": row, "order": what, "holds": so} for row, what, so in orders(results)]}
