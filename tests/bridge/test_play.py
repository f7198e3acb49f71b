"""`play-osc` as a user types it, against a real daemon."""

import pytest

from bridge.client import DaemonClient
from bridge.play import find_command, send
from tests.bridge.conftest import DRUMS, cli
from tests.vae import midi_files as smf
from vae.notes import Clip, Note, read_clip, write_midi


@pytest.fixture
def play(shared_daemon):
    def call(*words, code=0):
        got, printed = cli("play-osc", "--port", str(shared_daemon.port), *map(str, words))
        assert got == code, printed
        return printed
    return call


def beat(path, pitch):
    path.parent.mkdir()
    write_midi(Clip.of(8.0, [Note("drums", pitch, step, 0.25, 100) for step in range(8)]), path)
    return path


def test_two_files_of_one_name_are_two_clips(play, tmp_path):
    a, b = beat(tmp_path / "a" / "loop.mid", 36), beat(tmp_path / "b" / "loop.mid", 42)
    play("interpolate", DRUMS, a, b, 2, 0, 7, "--out", tmp_path / "way")
    play("reconstruct", DRUMS, b, 0, 7, "--out", tmp_path / "end")
    (end,) = (tmp_path / "end").iterdir()
    assert "loop" in end.name
    assert read_clip(sorted((tmp_path / "way").iterdir())[1]) == read_clip(end)


class TrioClient(DaemonClient):
    """A client of a daemon with a trio model, which takes seconds to compile: what would be uploaded is kept."""

    def task(self, model):
        return "trio_16bar"

    def upload(self, name, clip):
        self.clip = clip

    def ask(self, address, *args):
        return args


def test_a_band_goes_to_a_trio_model_part_by_part(tmp_path):
    path = tmp_path / "band.mid"
    path.write_bytes(smf.file(*(smf.track((0, smf.program(program, channel)), (0, smf.on(pitch, channel=channel)),
                                          (480, smf.off(pitch, channel)))
                                for program, channel, pitch in ((24, 0, 72), (33, 1, 40), (0, 9, 36)))))
    with TrioClient("127.0.0.1", 1) as client:
        assert send(client, find_command("reconstruct"), ["band", str(path)])[1] == "argument 1"
    assert [(note.part, note.pitch) for note in client.clip.notes] == [("bass", 40), ("drums", 36), ("lead", 72)]


def test_files_say_what_was_asked_and_none_is_replaced(play, tmp_path):
    for words in ((DRUMS, 1, 4, 7), (DRUMS, 1, 4, 7, "density", 0.9), (DRUMS, 1, 4, 7)):
        play("generate", *words, "--out", tmp_path)
    assert [path.name for path in sorted(tmp_path.iterdir())] == [
        f"{DRUMS}-seed-7-T-4-00-density0.9.mid", f"{DRUMS}-seed-7-T-4-00.mid"]
    (tmp_path / f"{DRUMS}-seed-7-T-4-00.mid").write_bytes(b"mine")
    assert f"{DRUMS}-seed-7-T-4-00-2.mid" in play("generate", DRUMS, 1, 4, 7, "--out", tmp_path)


def test_a_seed_that_is_not_given_is_drawn(play):
    assert len({play("generate", DRUMS, 1) for _ in range(4)}) > 1


@pytest.mark.parametrize("words, message", [
    (("generat", DRUMS), "did you mean 'generate'?"),
    (("generate",), "model s 1-100 bytes is missing; generate takes model s"),
    (("generate", "nothing"), "no model 'nothing'"),
    (("generate", DRUMS, "many"), "received 'many'"),
    (("status", "--timeout", "nan"), "'nan' is not a number"),
    (("models", "--port", "1"), "Is the daemon running?"),
])
def test_mistakes_are_named(play, words, message):
    assert message in play(*words, *(() if "--timeout" in words else ("--timeout", "2")), code=2)
