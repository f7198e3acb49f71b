"""The Max objects the devices use, as one table: inlets, outlets and outlet types, from Max's own saved patchers.

`describe` gives the shape of a box from its text. An object that is not in the table is an error, so that a misspelt
name is found here and not by a producer.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    inlets: int
    outlettype: tuple[str, ...]
    fewest_arguments: int = 0


# Objects whose shape does not depend on their arguments.
OBJECTS = {
    "%": Shape(2, ("int",), 1),
    "*": Shape(2, ("float",), 1),
    "change": Shape(1, ("", "int", "int")),
    "coll": Shape(1, ("", "", "", "")),
    "deferlow": Shape(1, ("",)),
    "gate": Shape(2, ("",)),
    "int": Shape(2, ("int",)),
    "live.miditool.in": Shape(1, ("", "")),
    "live.miditool.out": Shape(1, ()),
    "live.thisdevice": Shape(1, ("bang", "int", "int")),
    "makenote": Shape(3, ("float", "float"), 2),
    "metro": Shape(2, ("bang",), 1),
    "midiflush": Shape(1, ("int",)),
    "midiformat": Shape(7, ("int", "")),
    "midiin": Shape(1, ("int",)),
    "midiout": Shape(1, ()),
    "pack": Shape(2, ("",), 2),
    "pattr": Shape(1, ("", "", ""), 1),
    "prepend": Shape(1, ("",), 1),
    "qlim": Shape(2, ("",), 1),
    "transport": Shape(2, ("int", "int", "float", "float", "float", "", "int", "float", "")),
    "udpreceive": Shape(1, ("",), 1),
    "udpsend": Shape(1, (), 2),
    "zl.iter": Shape(2, ("", ""), 1),
}

# User interface boxes, by maxclass.
BOXES = {
    "jsui": Shape(1, ("",)),
    "live.comment": Shape(1, ()),
    "live.dial": Shape(1, ("", "float")),
    "live.menu": Shape(1, ("", "", "float")),
    "live.numbox": Shape(1, ("", "float")),
    "live.text": Shape(1, ("", "")),
    "umenu": Shape(1, ("int", "", "")),
}

TRIGGER_TYPES = {"b": "bang", "i": "int", "f": "float", "l": "", "s": ""}


class UnknownObject(ValueError):
    """A box names no Max object of the table, or gives it too few arguments."""


def arguments(text: str) -> list[str]:
    """An object's words without its attributes (`@name value ...`), its name first."""
    return text.split(" @")[0].split()


def describe(text: str, scripts: dict[str, tuple[int, int]] | None = None) -> Shape:
    """Shape of the object box with this text. scripts: inlets and outlets that each js file declares."""
    words = arguments(text)
    name, rest = words[0], words[1:]
    if name == "js":
        if not rest or rest[0] not in (scripts or {}):
            raise UnknownObject(f"js needs one of the device's scripts {sorted(scripts or {})}, received {text!r}")
        inlets, outlets = scripts[rest[0]]
        return Shape(inlets, ("",) * outlets)
    if name == "t":
        return _needs(text, Shape(1, tuple(TRIGGER_TYPES.get(word, "") for word in rest), 1), rest)
    if name == "route":
        # Max 8.5 gives `route` an inlet for each argument; the leftmost takes the messages.
        return _needs(text, Shape(1, ("",) * (len(rest) + 1), 1), rest)
    if name == "sel":
        shape = Shape(2 if len(rest) == 1 else 1, ("bang",) * len(rest) + ("",), 1)
        return _needs(text, shape, rest)
    if name == "unpack":
        types = tuple(TRIGGER_TYPES.get(word, "float" if "." in word else "int") for word in rest)
        return _needs(text, Shape(1, types, 1), rest)
    if name == "expr":
        used = [int(text[i + 2]) for i in range(len(text) - 2) if text[i] == "$" and text[i + 1] in "if"]
        return _needs(text, Shape(max(used, default=1), ("",), 1), rest)
    if name not in OBJECTS:
        raise UnknownObject(f"no Max object {name!r} in the table of ableton/max_objects.py (box {text!r})")
    return _needs(text, OBJECTS[name], rest)


def _needs(text: str, shape: Shape, rest: list[str]) -> Shape:
    if len(rest) < shape.fewest_arguments:
        raise UnknownObject(f"{text!r} needs at least {shape.fewest_arguments} argument(s)")
    return shape
