"""The commands `devices` and `live` as a user calls them, with a real daemon and AbletonOSC's stand-in."""

import re
import socket

import pytest
from abletonosc import StandIn
from click.testing import CliRunner

from ableton import live_osc
from ableton.commands import devices, live


def call(group, *words: str, code: int = 0) -> str:
    result = CliRunner().invoke(group, [str(word) for word in words])
    assert result.exit_code == code, result.output + repr(result.exception)
    assert "Traceback" not in result.output
    return result.output


@pytest.fixture
def set_in_live():
    with StandIn() as stand_in:
        yield stand_in


@pytest.fixture
def where(set_in_live, daemon_port) -> list[str]:
    return ["--port", daemon_port, "--live-port", set_in_live.port, "--reply-port", set_in_live.reply_port]


def test_devices_verify_passes_and_names_what_is_broken(tmp_path):
    assert call(devices, "verify").count("fine") == 6
    broken = tmp_path / "broken.amxd"
    broken.write_bytes(b"nothing")
    assert "expected chunk" in call(devices, "verify", broken, code=2)


def test_install_and_uninstall(tmp_path):
    assert call(live, "install", "--library", tmp_path).count("installed ") == 5
    assert call(live, "install", "--library", tmp_path).count("unchanged") == 5
    assert call(live, "uninstall", "--library", tmp_path).count("removed") == 5
    assert "nothing was installed" in call(live, "uninstall", "--library", tmp_path)
    assert "no User Library at" in call(live, "install", "--library", tmp_path / "none", code=2)


def test_generate_writes_clips_down_the_track(set_in_live, where):
    words = ["generate", "melody_test", "--track", 1, "--slot", 2, "--count", 2, "--seed", 5, "--option", "root", 0,
             "--option", "scale", "Minor", *where]
    assert call(live, *words).count("wrote melody_test s5 t0.5 root 0 scale Minor #") == 2
    assert set(set_in_live.clips) == {(1, 2), (1, 3)}
    for clip in set_in_live.clips.values():
        assert clip["beats"] == 8.0 and clip["notes"]
        assert all(note[0] % 12 in (0, 2, 3, 5, 7, 8, 10) for note in clip["notes"])
    before = {place: list(clip["notes"]) for place, clip in set_in_live.clips.items()}
    assert "slot 2 of track 1 already holds a clip" in call(live, *words, code=2)
    call(live, *words, "--overwrite")
    assert {place: sorted(clip["notes"]) for place, clip in set_in_live.clips.items()} == {
        place: sorted(notes) for place, notes in before.items()}, "the same seed gives the same notes"


def test_generate_plays_the_pads_of_a_drum_map(set_in_live, where, tmp_path):
    path = tmp_path / "rack.yaml"
    path.write_text("kick: 1\nsnare: 2\nclosed hi-hat: 3\nopen hi-hat: 4\nlow tom: 5\nmid tom: 6\nhigh tom: 7\n"
                    "crash: 8\nride: 9\n")
    call(live, "generate", "drums_test", "--track", 0, "--slot", 0, "--drum-map", path, *where)
    assert {note[0] for note in set_in_live.clips[0, 0]["notes"]} <= set(range(1, 10))


def test_a_trio_goes_to_three_tracks(where, set_in_live):
    set_in_live.tracks = ("midi", "midi", "midi")
    output = call(live, "generate", "trio_test", "--track", 2, "--track", 0, "--track", 1, "--slot", 1, *where)
    assert output.count("wrote trio_test s") == 3
    assert {place: clip["beats"] for place, clip in set_in_live.clips.items()} == dict.fromkeys([(2, 1), (0, 1), (1, 1)], 64.0)
    assert len({clip["name"] for clip in set_in_live.clips.values()}) == 1
    assert {note[0] for note in set_in_live.clips[1, 1]["notes"]} <= {36, 38, 42, 45, 46, 48, 49, 50, 51}
    assert "each part needs a track of its own: --track was given 0, 1, 0" in call(
        live, "generate", "trio_test", "--track", 0, "--track", 1, "--track", 0, "--slot", 3, *where, code=2)
    assert len(set_in_live.clips) == 3
    assert "give --track 3 time(s)" in call(live, "generate", "trio_test", "--track", 0, "--slot", 2, *where, code=2)


def test_morph_writes_the_way_between_two_clips(set_in_live, where):
    set_in_live.add_clip(0, 0, 8.0, [(36, beat * 1.0, 0.25, 100.0, 0) for beat in range(8)])
    set_in_live.add_clip(0, 1, 8.0, [(42, beat * 0.5, 0.25, 100.0, 0) for beat in range(16)])
    output = call(live, "morph", "drums_test", "--track", 0, "--from", 0, "--to", 1, "--slot", 2, "--count", 3, *where)
    assert output.count("wrote drums_test s") == 3 and output.count("morph #") == 3
    assert set(set_in_live.clips) == {(0, slot) for slot in range(5)}
    assert "slot 7 of track 0 is empty" in call(
        live, "morph", "drums_test", "--track", 0, "--from", 7, "--to", 1, "--slot", 5, "--count", 2, *where, code=2)


@pytest.mark.parametrize("words, message", [
    (["melody_tes", "--track", 0, "--slot", 0], "unknown_model"),
    (["melody_test", "--track", 9, "--slot", 0], "no track 9"),
    (["melody_test", "--track", 2, "--slot", 0], "audio track"),
    (["melody_test", "--track", 0, "--slot", 7, "--count", 2], "no slot 8"),
    (["melody_test", "--track", 0, "--slot", 0, "--option", "scale", "Mino"], "did you mean 'Minor'"),
    (["melody_test", "--track", 0, "--slot", 0, "--option", "root", "x"], "root takes a number"),
    (["melody_test", "--track", 0, "--slot", 0, "--seed", 2**31], "0<=x<=2147483647"),
    (["melody_test", "--track", 0, "--slot", 0, "--reply-port", 65536], "1<=x<=65535"),
    (["melody_test", "--track", 0, "--slot", 0, "--live-port", 0], "1<=x<=65535"),
    (["melody_test", "--track", 0, "--slot", 0, "--port", 99999], "1<=x<=65535"),
    (["melody_test", "--track", 0, "--slot", 0, "--live-host", "no.such.host.invalid"], "no computer is known as"),
    (["melody_test", "--track", 0, "--slot", 0, "--host", "x" * 80], "no computer is known as")])
def test_mistakes_are_said_and_write_nothing(set_in_live, where, words, message):
    assert message in call(live, "generate", *where, *words, code=2)
    assert set_in_live.clips == {}


def test_status_and_what_is_not_there(set_in_live, where, tmp_path, monkeypatch):
    call(live, "install", "--library", tmp_path)
    output = call(live, "status", "--library", tmp_path, *where)
    assert re.search(r"devices +5 installed", output)
    assert re.search(r"daemon +version .* 4 models loaded", output)
    assert "Live 11.3, 3 tracks, 8 scenes, 123 beats" in output
    monkeypatch.setattr(live_osc, "TIMEOUT", 0.1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        nobody.bind(("127.0.0.1", 0))
        silent = nobody.getsockname()[1]
        output = call(live, "status", "--library", tmp_path / "none", "--port", silent, "--live-port", silent,
                      "--reply-port", set_in_live.reply_port)
        assert "no User Library" in output and " serve` starts it" in output and "AbletonOSC does not answer" in output
        assert "AbletonOSC does not answer" in call(
            live, "generate", "melody_test", "--track", 0, "--slot", 0, "--live-port", silent, "--reply-port",
            set_in_live.reply_port, code=2)
