"""The table: what it accepts, what it refuses and in what words, and that the reference is made from it."""

import pytest

from bridge.handlers import Handlers
from bridge.morphs import Morphs
from bridge.protocol import CODES, COMMANDS, EVERY_OPTION, OPTIONS, Fail, parse_options
from bridge.reference import PAGE, reference
from bridge.uploads import Uploads
from vae.notes import Note


def refused(address, *values):
    with pytest.raises(Fail) as caught:
        COMMANDS[address].parse(list(values))
    assert caught.value.code == "bad_arguments"
    return caught.value.message


def test_every_request_of_the_contract_is_there_and_has_its_handler():
    assert [address.removeprefix("/vae/") for address in COMMANDS] == [
        "hello", "ping", "models", "status", "describe", "load", "unload", "clip/begin", "clip/notes", "clip/end",
        "generate", "reconstruct", "vary", "interpolate", "grid", "morph", "resend", "cancel"]
    for command in COMMANDS.values():
        owner = next((owner for owner in (Uploads, Morphs) if command.handler in owner.HANDLERS), Handlers)
        assert callable(getattr(owner, command.handler))


def test_arguments_are_named_and_an_int_is_taken_for_a_float():
    parsed = COMMANDS["/vae/generate"].parse([1, "m", 2, 1, -5])
    assert parsed == {"rid": 1, "model": "m", "count": 2, "temperature": 1.0, "seed": -5, "options": {}}
    assert type(parsed["temperature"]) is float


@pytest.mark.parametrize("values, words", [
    ((1, "m", 2, 0.5), "received 4 arguments"),
    ((0, "m", 2, 0.5, 1), "rid i >= 1 expected, received 0"),
    ((1, 7, 2, 0.5, 1), "model s 1-100 bytes expected, received int 7"),
    ((1, "", 2, 0.5, 1), "model s 1-100 bytes of printable text expected, received ''"),
    ((1, "a\nb", 2, 0.5, 1), "printable"),
    ((1, "m" * 101, 2, 0.5, 1), "1-100 bytes"),
    ((1, "m", 65, 0.5, 1), "count i 1-64 expected, received 65"),
    ((1, "m", 1_000_001, 0.5, 1), "count i 1-64 expected, received 1000001"),
    ((1, "m", 2.0, 0.5, 1), "count i 1-64 expected, received float 2.0"),
    ((1, "m", 2, 4.5, 1), "temperature f 0-4 expected, received 4.5"),
    ((1, "m", 2, "hot", 1), "temperature f 0-4 expected, received text 'hot'"),
    ((1, "m", 2, 0.5, 1, "root"), "options are pairs"),
    ((1, "m", 2, 0.5, 1, "rooot", 1), "did you mean 'root'"),
    ((1, "m", 2, 0.5, 1, "root", 12), "root i 0-11 expected, received 12"),
    ((1, "m", 2, 0.5, 1, "scale", "minr"), "did you mean 'Minor'"),
    ((1, "m", 2, 0.5, 1, "low", 60, "high", 59), "low must not be above high"),
    ((1, "m", 2, 0.5, 1, "bars", 4, "bars", 4), "given twice"),
])
def test_refusals_say_what_is_allowed_and_what_was_received(values, words):
    assert words in refused("/vae/generate", *values)


def test_arguments_beyond_the_last_are_refused_where_there_are_no_options():
    assert "received 2 arguments" in refused("/vae/ping", 1, 2)


def test_a_grid_takes_two_clips_or_four():
    two = COMMANDS["/vae/grid"].parse([1, "m", "g", 3, 2, "a", "b", 0, 5, "bars", 4])
    assert "clip_c" not in two and two["options"] == {"bars": 4}
    four = COMMANDS["/vae/grid"].parse([1, "m", "g", 3, 2, "a", "b", "c", "d", 0, 5])
    assert [four[name] for name in ("clip_c", "clip_d", "temperature", "seed")] == ["c", "d", 0.0, 5]
    assert "temperature" in refused("/vae/grid", 1, "m", "g", 3, 2, "a", "b", "c", 0, 5)


def test_hello_takes_a_token_or_none():
    assert "token" not in COMMANDS["/vae/hello"].parse([1, 0, "x", 1])
    assert COMMANDS["/vae/hello"].parse([1, 0, "x", 1, "secret"])["token"] == "secret"
    assert COMMANDS["/vae/hello"].parse([1, 0, "", 1, ""])["client"] == ""


def test_a_morph_takes_a_velocity_and_says_why_it_takes_no_more():
    assert COMMANDS["/vae/morph"].parse([1, "g", 0, 0, "velocity", 5])["options"] == {"velocity": 5}
    assert "those of a grid are" in refused("/vae/morph", 1, "g", 0, 0, "density", 0.5)
    assert "velocity i 1-127 expected" in refused("/vae/morph", 1, "g", 0, 0, "velocity", 0)


def test_notes_are_checked_one_by_one():
    head = (1, "a", 0, "drums")
    assert COMMANDS["/vae/clip/notes"].parse([*head, 36, 0, 0.25, 100])["notes"] == (Note("drums", 36, 0.0, 0.25, 100),)
    assert "part: one of melody, lead, bass, drums" in refused("/vae/clip/notes", 1, "a", 0, "drum", 36, 0, 0.25, 100)
    assert "pitch i 0-127 expected, received 128" in refused("/vae/clip/notes", *head, 128, 0, 0.25, 100)
    assert "velocity i 1-127 expected, received 0" in refused("/vae/clip/notes", *head, 36, 0, 0.25, 0)
    assert "duration must be above 0" in refused("/vae/clip/notes", *head, 36, 0, 0, 100)
    assert "groups of" in refused("/vae/clip/notes", *head, 36, 0, 0.25)
    assert "at most 60 notes" in refused("/vae/clip/notes", *head, *(36, 0, 0.25, 100) * 61)


def test_scales_are_known_by_live_s_names_whatever_their_case():
    assert parse_options(["scale", "minor pentatonic"], EVERY_OPTION) == {"scale": "Minor Pentatonic"}
    assert parse_options(["scale", "Messaien 3"], EVERY_OPTION) == {"scale": "Messiaen 3"}


def test_options_of_the_contract_are_there():
    assert list(OPTIONS) == ["root", "scale", "low", "high", "density", "velocity", "bars"]


def test_the_reference_is_the_table_s():
    assert PAGE.read_text(encoding="utf-8") == reference(), "stale: run `python -m bridge.reference`"
    assert "at most 100 bytes" in reference() and "model s 1-100 bytes" in COMMANDS["/vae/load"].arguments()
    assert all(f"`{code}`" in reference() for code in CODES)
