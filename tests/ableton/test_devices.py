"""The devices as files: the built ones are what the sources say, nothing about them is wrong that can be known without
Max, and the checks find what is."""

import copy
import json
import re
from pathlib import Path

import pytest

from ableton import amxd
from ableton.build import build_all, built_devices, device_bytes, sources
from ableton.check import check_device, check_names, objects_used
from ableton.guide import GUIDE, refreshed
from ableton.layout import layout
from ableton.max_objects import BOXES, OBJECTS, UnknownObject, describe
from ableton.patcher import SourceError, compile_patcher, read_source
from vae.constraints import SCALES

SOURCES = {source.name: source for source in sources()}
NAMES = ["MusicVAE Generate", "MusicVAE Generator", "MusicVAE Morph", "MusicVAE Trio", "MusicVAE Vary"]


def test_the_built_devices_are_those_of_the_sources_byte_for_byte():
    assert sorted(built_devices()) == sorted(SOURCES) == NAMES
    for name, path in built_devices().items():
        assert path.read_bytes() == device_bytes(SOURCES[name]), f"{name}: run `python cli.py devices build`"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_wrong_with_a_device(name):
    assert check_device(built_devices()[name].read_bytes()) == []


def test_the_guide_explains_the_controls_that_there_are():
    text = GUIDE.read_text("utf-8")
    assert refreshed(text, list(SOURCES.values())) == text, "run `python cli.py devices build`"
    assert all(f"<!-- controls of {name} -->\n| control" in text for name in NAMES)


def test_the_devices_know_the_scales_of_the_daemon():
    text = (Path(__file__).parents[2] / "max_patches" / "shared" / "notes.js").read_text("utf-8")
    found = re.findall(r'^    \["(.+?)", \[([\d, ]+)\]\]', text, re.MULTILINE)
    assert [(name, tuple(map(int, steps.split(",")))) for name, steps in found] == [
        (name, steps) for name, steps in SCALES.items() if name != "Chromatic"]  # which the devices call no scale


def test_included_files_have_names_of_their_own():
    devices = {path: path.read_bytes() for path in built_devices().values()}
    assert check_names(devices) == []
    twice = dict(devices)
    twice[Path("copy")] = next(iter(devices.values()))
    assert len(check_names(twice)) == 2


def test_types_and_containers():
    types = {name: amxd.unpack(path.read_bytes()) for name, path in built_devices().items()}
    assert {name: device.type for name, device in types.items()} == {
        "MusicVAE Generate": "mmmm", "MusicVAE Generator": "nagg", "MusicVAE Morph": "mmmm", "MusicVAE Trio": "mmmm",
        "MusicVAE Vary": "natt"}
    assert all(device.meta == 7 and len(device.included()) == 2 for device in types.values())


@pytest.mark.parametrize("name", NAMES)
def test_parameters_tell_themselves(name):
    patcher = amxd.unpack(built_devices()[name].read_bytes()).patcher_json()
    for item in patcher["boxes"]:
        box = item["box"]
        value = box.get("saved_attribute_attributes", {}).get("valueof")
        if value and value["parameter_type"] != 3:
            assert len(value["parameter_info"]) > 20 and value["parameter_annotation_name"]
            assert value["parameter_longname"] and len(value["parameter_shortname"]) <= 16
            assert "parameter_linknames" not in value  # linked, Max would make the long name and the box's name the same
            pressed = box["maxclass"] == "live.text" and box["mode"] == 0
            stored = value["parameter_longname"] == "Daemon Port"
            assert value["parameter_invisible"] == (2 if pressed else 1 if stored else 0)
            if value["parameter_longname"] in ("Seed", "Daemon Port"):  # wider than Live's int, shown as whole numbers
                assert (value["parameter_type"], value["parameter_unitstyle"]) == (0, 0)
    ui = [item["box"]["maxclass"] for item in patcher["boxes"] if item["box"].get("presentation")]
    assert "jsui" in ui and "umenu" in ui


def test_the_object_table_holds_just_what_the_devices_use():
    used = set().union(*(objects_used(path.read_bytes()) for path in built_devices().values()))
    special = {"js", "t", "route", "sel", "unpack", "expr"}
    assert used - special == set(OBJECTS) | set(BOXES)


@pytest.mark.parametrize("text, inlets, outlets", [
    ("t b f", 1, ("bang", "float")), ("route a b", 1, ("", "", "")), ("sel 0", 2, ("bang", "")),
    ("unpack 0 0.", 1, ("int", "float")), ("expr int($f1*$i3)+$f2", 3, ("",)),
    ("metro 16n @quantize 16n", 2, ("bang",))])
def test_shapes_that_depend_on_arguments(text, inlets, outlets):
    shape = describe(text)
    assert (shape.inlets, shape.outlettype) == (inlets, outlets)


@pytest.mark.parametrize("text", ["prepand x", "udpsend", "js missing.js", "prepend"])
def test_unknown_objects_and_missing_arguments_are_errors(text):
    with pytest.raises(UnknownObject):
        describe(text, {})


def broken(change) -> list[str]:
    """What the checks say of a device after `change` was done to its patcher."""
    source = SOURCES["MusicVAE Morph"]
    patcher = copy.deepcopy(compile_patcher(source))
    change(patcher, {item["box"].get("varname", item["box"].get("text", "")): item["box"] for item in patcher["boxes"]})
    files = {name: text.encode() for name, text in source.scripts.items()}
    return check_device(amxd.pack(amxd.frozen("mmmm", "x.amxd", patcher, files, 0)))


CHANGES = {
    "an end is no box": lambda p, b: p["lines"][0]["patchline"].update(destination=["obj-999", 0]),
    "has 1 inlets": lambda p, b: next(item["patchline"] for item in p["lines"] if item["patchline"]["destination"][0]
                                      == b["midiout"]["id"]).update(destination=[b["midiout"]["id"], 4]),
    "outlets": lambda p, b: p["lines"].append({"patchline": {"source": [b["midiin"]["id"], 3],
                                                             "destination": [b["midiout"]["id"], 0]}}),
    "twice": lambda p, b: p["lines"].append(p["lines"][0]),
    "boxes have this id": lambda p, b: b["midiin"].update(id=b["midiout"]["id"]),
    "overlap": lambda p, b: b["x"].update(presentation_rect=b["y"]["presentation_rect"]),
    "reaches over": lambda p, b: b["x"].update(presentation_rect=[0.0, 150.0, 44.0, 48.0]),
    "no Info View text": lambda p, b: b["x"]["saved_attribute_attributes"]["valueof"].pop("parameter_info"),
    "initial": lambda p, b: b["x"]["saved_attribute_attributes"]["valueof"].update(parameter_initial=[7]),
    "type int holds 256 values": lambda p, b: b["seed"]["saved_attribute_attributes"]["valueof"].update(parameter_type=1),
    "the object has": lambda p, b: b["midiin"].update(numoutlets=3),
    "no Max object": lambda p, b: b["midiin"].update(text="midin"),
    "2 times": lambda p, b: b["x"]["saved_attribute_attributes"]["valueof"].update(parameter_longname="Y"),
    "bank 0": lambda p, b: p["parameters"]["parameterbanks"]["0"]["parameters"].pop(),
    "no cord leads": lambda p, b: p["boxes"].append({"box": {
        "id": "obj-900", "maxclass": "newobj", "text": "deferlow", "numinlets": 1, "numoutlets": 1,
        "outlettype": [""]}}),
    "the parameters block lists": lambda p, b: p["parameters"].pop(b["x"]["id"]),
    "maxclass": lambda p, b: b["x"].update(maxclass="live.knob"),
}


@pytest.mark.parametrize("words", CHANGES)
def test_the_checks_find(words):
    assert any(words in problem for problem in broken(CHANGES[words])), broken(CHANGES[words])


def test_building_is_repeatable_and_says_what_changed(tmp_path):
    root = built_devices()["MusicVAE Trio"].parent
    for folder in ("shared", "trio"):
        (tmp_path / folder).symlink_to(root / folder)
    assert list(build_all(tmp_path).values()) == [True]
    assert list(build_all(tmp_path).values()) == [False]


@pytest.mark.parametrize("text, words", [
    ("name: x\ntype: midi_effect\nscripts: {}\n", "'width' is missing"),
    ("name: x\ntype: midi\nwidth: 1\nscripts: {}\n", "type is one of")])
def test_faults_of_a_source_are_named(tmp_path, text, words):
    (tmp_path / "x").mkdir()
    path = tmp_path / "x" / "patch.yaml"
    path.write_text(text)
    with pytest.raises(SourceError, match=words):
        read_source(path)


def test_layout_puts_every_box_below_what_feeds_it_even_around_a_loop():
    places = layout(["a", "b", "c", "d"], [("a", "b"), ("b", "c"), ("c", "a"), ("a", "d"), ("c", "d")])
    assert [places[name][1] for name in "abcd"] == [0, 1, 2, 3]
    assert len(set(places.values())) == 4


def test_a_patcher_survives_json():
    patcher = compile_patcher(SOURCES["MusicVAE Vary"])
    assert json.loads(json.dumps(patcher)) == patcher
    assert patcher["openrect"] == [0.0, 0.0, 152.0, 147.0]
