"""The JSON of single boxes: Live parameters, stored values, views, menus and captions."""

from ableton.max_objects import BOXES

UNITS = {"int": 0, "float": 1, "percent": 5}  # parameter_unitstyle
VISIBLE, STORED_ONLY, HIDDEN = 0, 1, 2  # automated and stored; stored only; neither, and never in Live's undo
VISIBILITY = {"automated": VISIBLE, "stored": STORED_ONLY, "hidden": HIDDEN}
FLOAT, INT, ENUM, BLOB = range(4)
# "the native integer representation is limited to a range of 0-255 ... the Type attribute should be set to Float, and the
# Unit Style attribute should be set to Int" (Cycling '74, Parameter Properties). The scripts round what comes.
INT_SPAN = 255
DIAL = (44, 48)  # the size of a live.dial with its name and value


def parameter_fields(name: str, spec: dict) -> dict:
    """Box of a Live parameter from its entry in a source."""
    shape = BOXES[spec["ui"]]
    low, high = spec.get("range", (0, 1))
    value: dict = {"parameter_longname": spec["name"], "parameter_shortname": spec.get("short", spec["name"])}
    enum = spec.get("choices")
    button = spec.get("value") == "button"
    if spec["ui"] == "live.text":
        enum = ["off", "on"]
    if enum:
        value |= {"parameter_type": ENUM, "parameter_enum": enum, "parameter_mmax": len(enum) - 1}
    else:
        whole = spec.get("unit", "int") == "int" and high - low <= INT_SPAN
        value |= {"parameter_type": INT if whole else FLOAT, "parameter_mmin": float(low),
                  "parameter_mmax": float(high), "parameter_unitstyle": UNITS[spec.get("unit", "int")]}
    if "initial" in spec:
        value |= {"parameter_initial": [spec["initial"]], "parameter_initial_enable": 1}
    value |= {
        "parameter_invisible": VISIBILITY[spec.get("visible", "hidden" if button else "automated")],
        "parameter_annotation_name": spec["name"],
        "parameter_info": " ".join(spec["info"].split()),
    }
    fields = {
        "maxclass": spec["ui"],
        "numinlets": shape.inlets,
        "numoutlets": len(shape.outlettype),
        "outlettype": list(shape.outlettype),
        "parameter_enable": 1,
        "varname": name,
        "presentation": 1,
        "presentation_rect": [float(number) for number in _rect(spec)],
        "saved_attribute_attributes": {"valueof": value},
    }
    if spec["ui"] == "live.text":
        off, on = (spec["text"] + [spec["text"][0]])[:2]
        fields |= {"mode": 0 if button else 1, "text": off, "texton": on}
    return fields


def _rect(spec: dict) -> list:
    rect = list(spec["rect"])
    return rect if len(rect) == 4 else rect + list(DIAL)


def stored_value_fields(name: str) -> dict:
    """A `pattr` whose value Live stores with the set, unseen."""
    long = name.replace("_", " ").title()
    return {
        "varname": name,
        "saved_object_attributes": {"initial": ["none"], "parameter_enable": 1},
        "saved_attribute_attributes": {"valueof": {
            "parameter_longname": long,
            "parameter_shortname": long,
            "parameter_type": BLOB,
            "parameter_invisible": STORED_ONLY,
            "parameter_initial": ["none"],
            "parameter_initial_enable": 1,
        }},
    }


def box_fields(spec: dict) -> dict:
    """A shown box that is no Live parameter: jsui or umenu."""
    shape = BOXES[spec["ui"]]
    fields = {
        "maxclass": spec["ui"],
        "numinlets": shape.inlets,
        "numoutlets": len(shape.outlettype),
        "outlettype": list(shape.outlettype),
        "parameter_enable": 0,
        "presentation": 1,
        "presentation_rect": [float(number) for number in spec["rect"]],
    }
    if spec["ui"] == "jsui":
        fields |= {"filename": spec["script"], "border": 0}
    if spec["ui"] == "umenu":
        fields |= {"items": spec.get("items", "<empty>"), "fontsize": 9.5}
    if "info" in spec:
        fields |= {"annotation": " ".join(spec["info"].split()), "hint": ""}
    return fields


def label_fields(label: list) -> dict:
    """A caption: [text, x, y, width]."""
    text, x, y, width = label
    return {"maxclass": "live.comment", "numinlets": 1, "numoutlets": 0, "text": text, "textjustification": 0,
            "fontsize": 9.0, "presentation": 1, "presentation_rect": [float(x), float(y), float(width), 16.0]}
