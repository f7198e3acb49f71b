"""Tables of figures, on the terminal and in Markdown."""
from collections.abc import Sequence


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence]) -> None:
    """Print a table. A column whose first cell is a number is aligned to the right; whole numbers get separators."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if isinstance(rows[0][index] if rows else "", str) else "right")
    for row in rows:
        table.add_row(*map(_text, row))
    Console(markup=False, emoji=False).print(table)  # names may have [brackets] and :colons:


def markdown(columns: Sequence[str], rows: Sequence[Sequence]) -> str:
    """The same table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join("| " + " | ".join(map(_text, line)) + " |\n" for line in lines)


def _text(cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.3f}"
    return f"{cell:,}" if isinstance(cell, int) else cell
