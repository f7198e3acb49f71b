"""Readable patcher sources (YAML) compiled to the JSON that Max opens.

A source names its objects and parameters and draws its patch cords as chains:

    objects:    {logic: js musicvae_generate.js, ...}        a name and the text of the object box
    parameters: {temperature: {ui: live.dial, ...}, ...}     Live parameters: box, range, unit, Info View text
    boxes:      {view: {ui: jsui, ...}, ...}                 what is shown, but is no Live parameter
    cords:      ["menu.1 -> prepend model -> logic", ...]    name.OUTLET -> name:INLET; other text is a new object

Every parameter's value goes, deferred, to the script as `control NAME value`, and is asked for again by the script's
`sync`; `value: direct` or `button` vary this. `include` merges other sources first, `rects` places what
they define.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from ableton import amxd
from ableton.boxes import box_fields, label_fields, parameter_fields, stored_value_fields
from ableton.layout import layout
from ableton.max_objects import describe

HEIGHT, TOOL_SIZE = 169, (152, 147)
CREATED = 3_786_912_000  # seconds since 1904 in `project`: fixed, so that a build gives the same bytes again
COLUMN, ROW, BOX_HEIGHT = 150, 34, 22


class SourceError(ValueError):
    """A patcher source says something that cannot be built; the message names the place."""


@dataclass
class Box:
    """One box of the patcher while it is built. `fields` are its JSON beyond id and rectangle."""

    name: str
    fields: dict
    cords: list = field(default_factory=list)


@dataclass(frozen=True)
class Source:
    """A device's source: `tree` merged with its includes, and the scripts it carries, by file name."""

    name: str
    type: str
    tree: dict
    scripts: dict[str, str]


def read_source(path: Path) -> Source:
    """Read `patch.yaml` of a device folder and put its scripts together from their parts."""
    tree = _merged(path)
    for key in ("name", "type", "width", "scripts"):
        if key not in tree:
            raise SourceError(f"{path}: {key!r} is missing")
    if tree["type"] not in amxd.DEVICE_TYPES:
        raise SourceError(f"{path}: type is one of {', '.join(amxd.DEVICE_TYPES)}, received {tree['type']!r}")
    root = path.parent.parent
    scripts = {name: "\n".join((root / part).read_text("utf-8") for part in parts)
               for name, parts in tree["scripts"].items()}
    return Source(tree["name"], tree["type"], tree, scripts)


def _merged(path: Path) -> dict:
    tree = yaml.safe_load(path.read_text("utf-8"))
    merged: dict = {}
    for name in tree.pop("include", ()):
        _merge(merged, _merged(path.parent.parent / name), path)
    _merge(merged, tree, path)
    return merged


def _merge(into: dict, new: dict, path: Path) -> None:
    for key, value in new.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            twice = set(value) & set(into[key])
            if twice:
                raise SourceError(f"{path}: {key} defines {sorted(twice)} again")
            into[key] = {**into[key], **value}
        elif isinstance(value, list) and isinstance(into.get(key), list):
            into[key] = into[key] + value
        else:
            into[key] = value


def declared_ports(script: str) -> tuple[int, int]:
    """(inlets, outlets) that a js file declares at its top level."""
    found = {word: int(number) for word, number in re.findall(r"^(inlets|outlets) = (\d+);", script, re.MULTILINE)}
    return found.get("inlets", 1), found.get("outlets", 1)


def compile_patcher(source: Source) -> dict:
    """The patcher's JSON tree (without the enclosing {"patcher": ...})."""
    build = _Build(source)
    tool = source.type in ("midi_generator", "midi_transformation")
    width, height = TOOL_SIZE if tool else (source.tree["width"], HEIGHT)
    fourcc = amxd.DEVICE_TYPES[source.type]
    rect = [100.0, 100.0, 900.0, 600.0]
    return {
        "fileversion": 1,
        "appversion": {"major": 8, "minor": 6, "revision": 5, "architecture": "x64", "modernui": 1},
        "classnamespace": "box",
        "rect": rect,
        "openrect": [0.0, 0.0, float(width if tool else 0), float(height)],
        "openinpresentation": 1,
        "default_fontsize": 10.0,
        "default_fontface": 0,
        "default_fontname": "Arial Bold",
        "gridsize": [8.0, 8.0],
        "devicewidth": float(width),
        "description": source.tree.get("description", ""),
        "boxes": [{"box": box} for box in build.json_boxes()],
        "lines": build.json_lines(),
        "parameters": build.json_parameters(),
        "dependency_cache": [{"name": name, "bootpath": ".", "type": "TEXT", "implicit": 1} for name in source.scripts],
        "latency": 0,
        "is_mpe": 0,
        "autosave": 0,
        "project": {
            "version": 1,
            "creationdate": CREATED,
            "modificationdate": CREATED,
            "viewrect": [0.0, 0.0, 300.0, 500.0],
            "autoorganize": 1,
            "hideprojectwindow": 1,
            "showdependencies": 1,
            "autolocalize": 0,
            "contents": {"patchers": {}},
            "layout": {},
            "searchpath": {},
            "detailsvisible": 0,
            "amxdtype": amxd.amxdtype(fourcc),
            "readonly": 0,
            "devpathtype": 0,
            "devpath": ".",
            "sortmode": 0,
            "viewmode": 0,
            "includepackages": 0,
        },
    }


class _Build:
    def __init__(self, source: Source):
        self.source = source
        self.ports = {name: declared_ports(text) for name, text in source.scripts.items()}
        self.boxes: dict[str, Box] = {}
        self.lines: list[tuple[str, int, str, int]] = []
        tree = source.tree
        for name, text in tree.get("objects", {}).items():
            self.add(name, self.object_fields(text))
        for name, rect in tree.get("rects", {}).items():
            (tree["parameters"] if name in tree["parameters"] else tree["boxes"])[name]["rect"] = rect
        for name, spec in tree.get("parameters", {}).items():
            self.add(name, parameter_fields(name, spec))
        for name, spec in tree.get("boxes", {}).items():
            self.add(name, box_fields(spec))
        for number, label in enumerate(tree.get("labels", ())):
            self.add(f"label {number}", label_fields(label))
        for name, spec in tree.get("parameters", {}).items():
            for cord in parameter_cords(name, spec):
                self.cord(cord)
        for chain in tree["cords"]:
            self.cord(chain)

    def add(self, name: str, fields: dict) -> Box:
        if name in self.boxes:
            raise SourceError(f"{self.source.name}: {name!r} is defined twice")
        self.boxes[name] = Box(name, fields)
        return self.boxes[name]

    def object_fields(self, text: str) -> dict:
        shape = describe(text, self.ports)
        fields = {"maxclass": "newobj", "numinlets": shape.inlets, "numoutlets": len(shape.outlettype), "text": text}
        if shape.outlettype:
            fields["outlettype"] = list(shape.outlettype)
        words = text.split()
        if words[0] == "js":
            fields["saved_object_attributes"] = {"filename": words[1], "parameter_enable": 0}
        elif words[0] == "coll":
            fields["saved_object_attributes"] = {"embed": 0, "precision": 6}
        elif words[0] == "pattr":
            fields.update(stored_value_fields(words[1]))
        return fields

    def cord(self, chain: str) -> None:
        previous = None
        for step in chain.split(" -> "):
            name, inlet, outlet = self.node(step.strip())
            if previous is not None:
                self.lines.append((*previous, name, inlet))
            previous = (name, outlet)

    def node(self, step: str) -> tuple[str, int, int]:
        named = re.fullmatch(r"(\w+)(?::(\d+))?(?:\.(\d+))?", step)
        if named and named[1] in self.boxes:
            return named[1], int(named[2] or 0), int(named[3] or 0)
        name = f"{step} {len(self.boxes)}"
        self.add(name, self.object_fields(step))
        return name, 0, 0

    def ids(self) -> dict[str, str]:
        return {name: f"obj-{number}" for number, name in enumerate(self.boxes, 1)}

    def json_boxes(self) -> Iterator[dict]:
        places = layout(list(self.boxes), [(a, b) for a, _, b, _ in self.lines])
        ids = self.ids()
        for name, box in self.boxes.items():
            column, row = places[name]
            size = box.fields.get("presentation_rect", [0, 0, max(40, 7 * len(box.fields.get("text", ""))), BOX_HEIGHT])
            rect = [20.0 + COLUMN * column, 20.0 + ROW * row, float(size[2]), float(size[3])]
            yield {"id": ids[name], "patching_rect": rect, **box.fields}

    def json_lines(self) -> list[dict]:
        ids = self.ids()
        return [{"patchline": {"source": [ids[a], outlet], "destination": [ids[b], inlet]}}
                for a, outlet, b, inlet in self.lines]

    def json_parameters(self) -> dict:
        ids = self.ids()
        listed = {}
        for name, box in self.boxes.items():
            value = box.fields.get("saved_attribute_attributes", {}).get("valueof")
            if value:
                listed[ids[name]] = [value["parameter_longname"], value["parameter_shortname"], 0]
        banks = {str(index): {"index": index, "name": bank.get("name", ""),
                              "parameters": bank["parameters"] + ["-"] * (8 - len(bank["parameters"]))}
                 for index, bank in enumerate(self.source.tree.get("banks", ()))}
        return {**listed, "parameterbanks": banks}


def parameter_cords(name: str, spec: dict) -> list[str]:
    """The cords that every parameter has, by its `value`: normal, button, or direct (the source draws its own)."""
    kind = spec.get("value", "normal")
    if kind == "button":
        return [f"{name} -> t {name} -> press"]
    cords = [f"sync -> {name}"]
    return cords if kind == "direct" else [*cords, f"{name} -> prepend control {name} -> low"]
