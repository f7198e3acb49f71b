"""Static checks of built devices: everything about a patcher that can be known without Max."""

from collections import Counter
from pathlib import Path

from ableton import amxd
from ableton.boxes import BLOB, ENUM, INT, INT_SPAN
from ableton.max_objects import BOXES, Shape, UnknownObject, arguments, describe
from ableton.patcher import HEIGHT, TOOL_SIZE, declared_ports

MAX_WIDTH = 1000  # pixels; wider than this a device does not fit beside anything on a laptop


def check_device(data: bytes) -> list[str]:
    """What is wrong with a built device, in words; an empty list when nothing is."""
    problems = amxd.verify(data)
    if problems:
        return problems
    device = amxd.unpack(data)
    patcher = device.patcher_json()
    scripts = {name: declared_ports(body.decode("utf-8")) for name, body in device.included().items()}
    boxes = {item["box"]["id"]: item["box"] for item in patcher["boxes"]}
    problems += _ids(patcher)
    shapes = {}
    for name, box in boxes.items():
        try:
            shapes[name] = _shape(box, scripts)
        except UnknownObject as error:
            problems.append(f"{name}: {error}")
    problems += _shapes(boxes, shapes)
    problems += _lines(patcher, boxes, shapes)
    problems += _parameters(patcher, boxes, device.type)
    problems += _presentation(patcher, boxes, device.type)
    return problems


def check_names(devices: dict[Path, bytes]) -> list[str]:
    """Files inside devices must have names of their own: Max finds a file of one name once, for all devices."""
    names = Counter(name for data in devices.values() for name in amxd.unpack(data).included())
    return [f"{name} is inside {count} devices; included names must be unique"
            for name, count in names.items() if count > 1]


def _ids(patcher: dict) -> list[str]:
    counted = Counter(item["box"]["id"] for item in patcher["boxes"])
    return [f"{name}: {count} boxes have this id" for name, count in counted.items() if count > 1]


def _shape(box: dict, scripts: dict) -> Shape:
    if box["maxclass"] == "newobj":
        return describe(box["text"], scripts)
    if box["maxclass"] not in BOXES:
        raise UnknownObject(f"maxclass {box['maxclass']!r} is not in the table of ableton/max_objects.py")
    return BOXES[box["maxclass"]]


def _shapes(boxes: dict, shapes: dict[str, Shape]) -> list[str]:
    problems = []
    for name, shape in shapes.items():
        box = boxes[name]
        received = (box["numinlets"], tuple(box.get("outlettype", ())), box["numoutlets"])
        expected = (shape.inlets, shape.outlettype, len(shape.outlettype))
        if received != expected:
            problems.append(f"{name} ({box.get('text', box['maxclass'])}): {received}, the object has {expected}")
    return problems


def _lines(patcher: dict, boxes: dict, shapes: dict[str, Shape]) -> list[str]:
    problems, seen = [], set()
    for item in patcher["lines"]:
        (source, outlet), (target, inlet) = item["patchline"]["source"], item["patchline"]["destination"]
        where = f"cord {source}.{outlet} -> {target}:{inlet}"
        if source not in boxes or target not in boxes:
            problems.append(f"{where}: an end is no box")
            continue
        if source in shapes and outlet >= len(shapes[source].outlettype):
            problems.append(f"{where}: {boxes[source].get('text')} has {len(shapes[source].outlettype)} outlets")
        if target in shapes and inlet >= shapes[target].inlets:
            problems.append(f"{where}: {boxes[target].get('text')} has {shapes[target].inlets} inlets")
        if where in seen:
            problems.append(f"{where}: twice")
        seen.add(where)
    connected = {name for item in patcher["lines"] for end in item["patchline"].values() for name in end[:1]}
    for name, box in boxes.items():
        if name not in connected and box["maxclass"] != "live.comment":
            problems.append(f"{name} ({box.get('text', box['maxclass'])}): no cord leads anywhere")
    return problems


def _parameters(patcher: dict, boxes: dict, fourcc: str) -> list[str]:
    problems = []
    values = {name: box["saved_attribute_attributes"]["valueof"] for name, box in boxes.items()
              if "saved_attribute_attributes" in box}
    longs = Counter(value["parameter_longname"] for value in values.values())
    problems += [f"parameter {name!r}: {count} times" for name, count in longs.items() if count > 1]
    listed = {name: entry[0] for name, entry in patcher["parameters"].items() if name != "parameterbanks"}
    if listed != {name: value["parameter_longname"] for name, value in values.items()}:
        problems.append(f"the parameters block lists {sorted(listed.values())}, the boxes have {sorted(longs)}")
    for value in values.values():
        name = value["parameter_longname"]
        if value["parameter_type"] == BLOB:
            continue
        if not value.get("parameter_info"):
            problems.append(f"parameter {name!r}: no Info View text")
        if value["parameter_type"] == ENUM:
            low, high = 0, len(value["parameter_enum"]) - 1
        else:
            low, high = value.get("parameter_mmin", 0), value.get("parameter_mmax", 127)
        initial = value.get("parameter_initial", [low])[0]
        if not low <= initial <= high or low >= high:
            problems.append(f"parameter {name!r}: initial {initial} is not in {low} to {high}")
        if value["parameter_type"] == INT and high - low > INT_SPAN:
            problems.append(f"parameter {name!r}: type int holds {INT_SPAN + 1} values, received {low} to {high}: "
                            "make it a float with the unit style int")
    banks = patcher["parameters"]["parameterbanks"].values()
    for bank in banks:
        unknown = [name for name in bank["parameters"] if name != "-" and name not in longs]
        if unknown or len(bank["parameters"]) != 8:
            problems.append(f"bank {bank['index']}: 8 parameter names or \"-\", received {bank['parameters']}")
    if not banks and fourcc not in ("nagg", "natt"):
        problems.append("no parameter banks for Push")
    return problems


def _presentation(patcher: dict, boxes: dict, fourcc: str) -> list[str]:
    tool = fourcc in ("nagg", "natt")
    width, height = TOOL_SIZE if tool else (patcher["devicewidth"], HEIGHT)
    problems = [] if width <= MAX_WIDTH else [f"the device is {width} pixels wide, at most {MAX_WIDTH}"]
    rects = [(name, box["presentation_rect"]) for name, box in boxes.items() if box.get("presentation")]
    for name, (x, y, w, h) in rects:
        if x < 0 or y < 0 or x + w > width or y + h > height:
            problems.append(f"{_title(boxes[name])} at {x, y, w, h} reaches over the device's {width} x {height}")
    for number, (first, (x, y, w, h)) in enumerate(rects):
        for second, (x2, y2, w2, h2) in rects[number + 1:]:
            if x < x2 + w2 and x2 < x + w and y < y2 + h2 and y2 < y + h:
                problems.append(f"{_title(boxes[first])} and {_title(boxes[second])} overlap")
    return problems


def _title(box: dict) -> str:
    return box.get("varname") or box.get("text") or box["maxclass"]


def objects_used(data: bytes) -> set[str]:
    """Names of the Max objects in a device."""
    boxes = [item["box"] for item in amxd.unpack(data).patcher_json()["boxes"]]
    return {arguments(box["text"])[0] if box["maxclass"] == "newobj" else box["maxclass"] for box in boxes}
