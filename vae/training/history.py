"""The validations of a training, kept beside its weights as CSV: of a run, and of all that its weights were before it."""
import csv
import os
import pathlib

from vae.training import checkpoint

HISTORY = "history.csv"
BEFORE = "before.csv"  # the history of the weights that a run began with
COLUMNS = ("step", "examples", "validation_next", *(f"{which}_{figure}" for which in ("validation", "seen")
                                                      for figure in ("reconstruction", "kl")))


def append(run: pathlib.Path, row: dict[str, float]) -> None:
    """Add a validation to a run's history. Rows after the step that it resumed from are of the life that was cut off, and
    are dropped."""
    path, rows = run / HISTORY, []
    if path.exists():
        with open(path, newline="") as file:
            rows = [old for old in csv.DictReader(file) if int(old["step"]) < row["step"]]
    _write([*rows, row], path)


def has(run: pathlib.Path, step: int) -> bool:
    """Whether a run has the validation of a step."""
    return any(row["step"] == step for row in _read(run / HISTORY))


def read(run: pathlib.Path) -> tuple[float, list[dict[str, float]]]:
    """(examples, rows): what the weights a run began with had seen, and all validations, theirs first.

    A row counts its steps from the beginning of its own training, but examples from the beginning of the first.
    Raises checkpoint.CheckpointError for a damaged file.
    """
    earlier, own = (_read(run / name) for name in (BEFORE, HISTORY))
    before = earlier[-1]["examples"] if earlier else 0.0
    return before, earlier + [{**row, "examples": before + row["examples"]} for row in own]


def until(run: pathlib.Path, step: int, batch: int) -> tuple[int, list[dict[str, float]]]:
    """(examples, rows): what the weights of a step of a run have seen in all, and the validations up to them."""
    before, rows = read(run)
    examples = int(before + step * batch)
    return examples, [row for row in rows if row["examples"] <= examples]


def begin(run: pathlib.Path, earlier: list[dict[str, float]]) -> None:
    """Keep the validations of the weights that a run begins with, if there are any."""
    run.mkdir(parents=True, exist_ok=True)
    (run / BEFORE).unlink(missing_ok=True)  # of a run that did not come to its first checkpoint
    if earlier:
        write(earlier, run / BEFORE)


def write(rows: list[dict[str, float]], path: pathlib.Path) -> None:
    """Keep validations with weights, for their card and for whoever goes on from them."""
    _write([{key: f"{value:.12g}" for key, value in row.items()} for row in rows], path)


def stages(rows: list[dict[str, float]]) -> list[tuple[int, int]]:
    """(steps, examples) of each of the trainings that a history is of, at the last of its validations.

    rows: as from `read`. A row belongs to the training of the row before it if its examples are as many for each of its
    steps.
    """
    found, start = [], 0.0
    for row in rows:
        if found:
            steps, examples = found[-1]
            batch = examples / steps
            if abs(row["examples"] - start - batch * row["step"]) < batch / 2:
                found[-1] = row["step"], row["examples"] - start
                continue
            start += examples
        found.append((row["step"], row["examples"] - start))
    return [(round(steps), round(examples)) for steps, examples in found]


def _read(path: pathlib.Path) -> list[dict[str, float]]:
    if not path.exists():
        return []
    try:
        with open(path, newline="") as file:
            rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
        _ = [row[key] for row in rows for key in COLUMNS]
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise checkpoint.CheckpointError(f"{path} is damaged: {error!r}") from None
    return rows


def _write(rows: list[dict], path: pathlib.Path) -> None:
    part = path.with_name(path.name + ".part")
    with open(part, "w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[-1]))
        writer.writeheader()
        writer.writerows(rows)
    os.replace(part, path)
