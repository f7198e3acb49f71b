"""A training as a terminal shows it: a bar, and below it the figures, in 80 columns."""
from rich import progress
from rich.text import Text

from vae.errors import UserError
from vae.training.loop import DivergedError, Trainer


class _Bar(progress.Progress):
    """One bar with a line of figures below it, since both in one line leave no room for the bar."""

    def __init__(self):
        super().__init__(progress.TextColumn("{task.description}"), progress.BarColumn(bar_width=20),
                         progress.MofNCompleteColumn(), progress.TimeRemainingColumn(), progress.TextColumn("left"),
                         progress.TextColumn("{task.fields[speed]}"))

    def get_renderables(self):
        yield self.make_tasks_table(self.tasks)
        for task in self.tasks:
            yield Text(task.fields["figures"], no_wrap=True, overflow="ellipsis")


def train(trainer: Trainer, title: str) -> bool:
    """Run a trainer behind a progress bar. Returns False when it was interrupted; raises UserError when it diverged."""
    with _Bar() as bar:
        total = max(trainer.config.training.steps, trainer.step)
        task = bar.add_task(title, total=total, completed=trainer.step, speed="", figures="")
        shown = {"scores": ""}

        def report(**figures):
            shown.update(figures)
            if "validation" in figures:
                scores, recon, seen = figures["validation"], *(_mean(figures[name].reconstruction)
                                                               for name in ("validation", "seen"))
                shown["scores"] = f"  reconstruction {recon:.3f} (train {seen:.3f})"
                bar.console.print(f"step {trainer.step}: validation reconstruction {recon:.4f}, next "
                                  f"{_mean(scores.next):.4f}, KL {scores.kl:.1f} nats; on train examples {seen:.4f}")
            if "loss" in shown:  # a run that was interrupted in a validation begins with that, before any step
                bar.update(task, completed=trainer.step, speed=f"{shown['examples_per_second']:.0f} examples/s",
                           figures=f"loss {shown['loss']:.3f}  next {shown['next_accuracy']:.3f}  KL {shown['kl']:.1f}"
                                   f"{shown['scores']}")

        try:
            return trainer.run(report)
        except DivergedError as error:
            raise UserError(str(error)) from None


def _mean(values) -> float:
    return sum(values) / len(values)
