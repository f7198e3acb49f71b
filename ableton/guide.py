"""The tables of controls in docs/devices.md, made from the devices' sources so that the two say the same."""

import re
from pathlib import Path

from ableton.patcher import Source

GUIDE = Path(__file__).resolve().parent.parent / "docs" / "devices.md"
_PLACE = re.compile(r"(<!-- controls of (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)


def controls_table(source: Source) -> str:
    """A device's controls as a Markdown table: name, range with unit, and the Info View's text."""
    tree = source.tree
    rows = ["| control | values | what it does |", "| --- | --- | --- |"]
    for name, box in tree["boxes"].items():
        if box["ui"] == "umenu":
            rows.append(f"| {name.capitalize()} | menu | {_line(box['info'])} |")
    for spec in sorted(tree["parameters"].values(), key=lambda spec: spec["name"] == "Daemon Port"):
        rows.append(f"| {spec['name']} | {_values(spec)} | {_line(spec['info'])} |")
    return "\n".join(rows) + "\n"


def _values(spec: dict) -> str:
    if spec.get("value") == "button":
        return "button"
    if spec["ui"] == "live.text":
        return "on, off"
    if "choices" in spec:
        choices = [str(choice) for choice in spec["choices"]]
        return ", ".join(choices) if len(choices) <= 12 else f"{', '.join(choices[:4])}, ... {choices[-1]}"
    low, high = spec["range"]
    return f"{low} to {high}" + (" %" if spec.get("unit") == "percent" else "")


def _line(text: str) -> str:
    return " ".join(text.split())


def refreshed(text: str, sources: list[Source]) -> str:
    """The guide's text with its tables made anew."""
    tables = {source.name: controls_table(source) for source in sources}
    return _PLACE.sub(lambda found: found[1] + tables[found[2]] + found[3], text)
