"""A request for clips as plain data, whoever asks: the command line or a client of the daemon.

Everything a clip depends on is in its job and its index, so clips can be computed in any batch, or again.
"""

import secrets
from dataclasses import dataclass

from vae.constraints import Constraints
from vae.notes import Clip

MOST_CLIPS = 64  # of one job
SEEDS = 100_000  # that are drawn: no more than the devices' Seed holds, so that a seed found anywhere can be typed anywhere


def random_seed() -> int:
    """A seed for whoever names none."""
    return secrets.randbelow(SEEDS)


@dataclass(frozen=True)
class Job:
    """One request for clips.

    kind: "generate", "reconstruct", "vary", "interpolate" or "grid".
    clips: those it starts from: one to reconstruct or vary, two to interpolate, two or four corners of a grid.
    amount: of variation, 0-1. columns, rows: of a grid.
    """

    kind: str
    model: str
    count: int
    temperature: float
    seed: int
    constraints: Constraints
    clips: tuple[Clip, ...] = ()
    amount: float = 0.0
    columns: int = 0
    rows: int = 0

    def name(self, index: int) -> str:
        """A name for clip `index` from which it can be had again: model, seed, temperature and number."""
        how = "" if self.kind == "generate" else f" {self.kind}"
        how += f" {self.amount:g}" if self.kind == "vary" else ""
        return f"{self.model}{how} seed {self.seed} T {self.temperature:g} #{index}"
