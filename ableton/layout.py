"""Places for the boxes of the patching view, so that a compiled patcher can be read when it is opened in Max."""


def layout(names: list[str], cords: list[tuple[str, str]]) -> dict[str, tuple[int, int]]:
    """A (column, row) for each box of the patching view: below everything that sends to it, feedback cords left out."""
    rows = dict.fromkeys(names, 0)
    order = {name: number for number, name in enumerate(names)}
    below: dict[str, list[str]] = {name: [] for name in names}
    seen: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        seen.add(name)
        for other in targets[name]:
            if other not in path:  # a cord back to where it came from does not push its target down
                below[name].append(other)
                if other not in seen:
                    visit(other, (*path, other))

    targets: dict[str, list[str]] = {name: sorted({b for a, b in cords if a == name}, key=order.get) for name in names}
    fed = {b for _, b in cords}
    for name in [name for name in names if name not in fed] + names:
        if name not in seen:
            visit(name, (name,))
    for _ in names:
        moved = False
        for name in names:
            for other in below[name]:
                if rows[other] <= rows[name] < len(names):
                    rows[other], moved = rows[name] + 1, True
        if not moved:
            break
    used: dict[int, int] = {}
    places = {}
    for name in names:
        row = rows[name]
        places[name] = (used.get(row, 0), row)
        used[row] = used.get(row, 0) + 1
    return places
