"""generate, reconstruct, vary and interpolate as a producer types them."""
import mido
import pytest
from click.testing import CliRunner
from matplotlib import image

from cli import main
from tests.vae.conftest import make
from vae import registry
from vae.notes import BEATS_PER_BAR, Clip, Note, read_clip, write_midi


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Models of arbitrary weights, which ignore z less than trained ones do."""
    folder = tmp_path_factory.mktemp("models")
    for task in ("drums_2bar", "melody_2bar", "trio_16bar"):
        config, weights = make(task, latent=8, encoder=[16], decoder=[16])
        registry.save(folder / f"{task}_tiny", f"{task}_tiny", config, weights, {})
    return folder


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "beat.mid"
    write_midi(Clip.of(8.0, [Note("drums", 36, beat, 0.25, 100) for beat in range(8)]), path)
    return path


def run(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


def refused(*words):
    result = run(*words)
    assert result.exit_code == 2, result.output
    return " ".join(result.output.split())


def test_the_same_seed_gives_the_same_files_and_another_others(folder, tmp_path):
    for out, seed in (("a", 5), ("b", 5), ("c", 6)):
        result = run("generate", folder / "drums_2bar_tiny", "--seed", seed, "--count", 3, "--temperature", 1, "--out", tmp_path / out)
        assert result.exit_code == 0, result.output
        assert f"seed {seed}" in result.output
    files = {out: [path.read_bytes() for path in sorted((tmp_path / out).iterdir())] for out in "abc"}
    assert len(files["a"]) == 3 and files["a"] == files["b"] and files["a"] != files["c"]


def test_fewer_clips_are_the_first_of_more(folder, tmp_path):
    for out, count in (("few", 2), ("many", 5)):
        assert run("generate", folder / "melody_2bar_tiny", "--seed", 5, "--count", count, "--temperature", 1, "--out", tmp_path / out).exit_code == 0
    for path in (tmp_path / "few").iterdir():
        assert path.read_bytes() == (tmp_path / "many" / path.name).read_bytes()


def test_drums_are_on_channel_10_at_480_ticks(folder, tmp_path):
    assert run("generate", folder / "drums_2bar_tiny", "--seed", 1, "--temperature", 1, "--tempo", 90, "--out", tmp_path).exit_code == 0
    for path in tmp_path.iterdir():
        file = mido.MidiFile(path)
        assert file.ticks_per_beat == 480
        notes = [message for track in file.tracks for message in track if message.type == "note_on"]
        assert notes and all(message.channel == 9 for message in notes)
        assert any(message.type == "set_tempo" and round(mido.tempo2bpm(message.tempo)) == 90 for message in file.tracks[0])


def test_key_range_and_length_are_kept(folder, tmp_path):
    result = run("generate", folder / "melody_2bar_tiny", "--count", 8, "--temperature", 4, "--root", "D", "--scale", "minor",
                 "--low", 50, "--high", 70, "--velocity", 77, "--bars", 5, "--plot", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert len(list(tmp_path.glob("*.png"))) == 1
    for path in tmp_path.glob("*.mid"):
        clip = read_clip(path)
        assert clip.beats == 5 * BEATS_PER_BAR
        assert clip.notes and all(50 <= note.pitch <= 70 and (note.pitch - 2) % 12 in (0, 2, 3, 5, 7, 8, 10) and note.velocity == 77
                                  for note in clip.notes)


@pytest.mark.parametrize("command, extra", [("reconstruct", []), ("vary", ["--amount", "0.5"])])
def test_a_clip_of_ones_own_goes_in(folder, tmp_path, clip, command, extra):
    result = run(command, folder / "drums_2bar_tiny", clip, *extra, "--seed", 1, "--out", tmp_path / "out", "--plot")
    assert result.exit_code == 0, result.output
    names = [path.name for path in (tmp_path / "out").iterdir()]
    assert names and all("beat" in name for name in names)


def test_pictures_can_be_looked_at_however_long_the_clips(folder, tmp_path, clip):
    long = tmp_path / "long.mid"
    write_midi(Clip.of(400.0, [Note("drums", 36, beat, 0.25, 100) for beat in range(400)]), long)
    ratios = {}
    for words in (("reconstruct", clip), ("reconstruct", long), ("interpolate", clip, long),
                  ("interpolate", clip, long, "--bars", 16)):
        assert run(words[0], folder / "drums_2bar_tiny", *words[1:], "--seed", 1, "--plot", "--out", tmp_path / "out").exit_code == 0
        (path,) = (tmp_path / "out").glob("*.png")
        picture = image.imread(path)
        path.unlink()
        ratios[words] = picture.shape[1] / picture.shape[0]
    short, cut, row, rows = ratios.values()
    assert short == cut and row > 6 and 0.2 < rows < 2


def test_pictures_show_of_a_clip_what_the_model_hears(folder, tmp_path):
    pictures = []
    for pitches in ((60, 67), (67,)):
        write_midi(Clip.of(8.0, [Note("melody", pitch, beat, 1.0, 100) for beat in range(8) for pitch in pitches]), tmp_path / "a.mid")
        assert run("reconstruct", folder / "melody_2bar_tiny", tmp_path / "a.mid", "--seed", 1, "--plot", "--out", tmp_path).exit_code == 0
        pictures.append(next(tmp_path.glob("*.png")).read_bytes())
    assert pictures[0] == pictures[1]


def test_interpolation_begins_and_ends_with_the_reconstructions(folder, tmp_path, clip):
    other = tmp_path / "other.mid"
    write_midi(Clip.of(8.0, [Note("drums", 42, step / 4, 0.25, 100) for step in range(32)]), other)
    options = ["--temperature", 0, "--seed", 1, "--out", tmp_path]
    assert run("interpolate", folder / "drums_2bar_tiny", clip, other, "--count", 3, *options).exit_code == 0
    ends = [read_clip(next(tmp_path.glob(f"*interpolate*-0{i}of03-*.mid"))) for i in (0, 2)]
    for source, end in zip((clip, other), ends):
        assert run("reconstruct", folder / "drums_2bar_tiny", source, *options).exit_code == 0
        assert read_clip(next(tmp_path.glob(f"*reconstruct*{source.stem}.mid"))) == end


def test_no_clip_takes_the_place_of_another(folder, tmp_path):
    sources = [tmp_path / "一" / "拍子.mid", tmp_path / "二" / "拍子.mid"]
    for kind, source in enumerate(sources):
        source.parent.mkdir()
        write_midi(Clip.of(8.0, [Note("drums", (36, 42)[kind], beat, 0.25, 100) for beat in range(8)]), source)
        for _ in range(2):
            assert run("reconstruct", folder / "drums_2bar_tiny", source, "--seed", 1, "--velocity", 60 + kind, "--tempo", 100,
                       "--out", tmp_path).exit_code == 0
    assert sorted(path.name for path in tmp_path.glob("*.mid")) == [
        f"drums_2bar_tiny-reconstruct-seed-1-T-0.5-00-拍子-100bpm-velocity{velocity}.mid" for velocity in (60, 61)]
    mine = tmp_path / "drums_2bar_tiny-seed-7-T-0.7349-00.mid"
    mine.write_bytes(b"a song of mine")
    assert run("generate", folder / "drums_2bar_tiny", "--seed", 7, "--temperature", 0.7349, "--count", 1,
               "--out", tmp_path).exit_code == 0
    assert mine.read_bytes() == b"a song of mine" and mine.with_name(mine.stem + "-2.mid").exists()


def test_what_is_taken_of_a_long_clip_is_said(folder, tmp_path):
    long, late, waltz = (tmp_path / f"{name}.mid" for name in ("long", "late", "waltz"))
    beats = [Note("drums", 36, beat, 0.25, 100) for beat in range(32)]
    write_midi(Clip.of(32.0, beats), long)
    write_midi(Clip.of(32.0, beats[9:]), late)
    content = long.read_bytes()
    assert content.count(b"\xff\x58\x04\x04\x02") == 1
    waltz.write_bytes(content.replace(b"\xff\x58\x04\x04\x02", b"\xff\x58\x04\x03\x02"))
    out = ["--out", tmp_path / "out"]
    said = run("reconstruct", folder / "drums_2bar_tiny", long, *out).output
    assert "the first 2 of its 8 bars are taken; --bars 8 takes all" in said
    assert "bars are taken" not in run("reconstruct", folder / "drums_2bar_tiny", long, "--bars", 8, *out).output
    assert "its first 2 bars are silent" in refused("reconstruct", folder / "drums_2bar_tiny", late, *out)
    assert "is in 3/4" in run("reconstruct", folder / "drums_2bar_tiny", waltz, *out).output
    waltz.write_bytes(content.replace(b"\x99\x24", b"\x90\x24").replace(b"\x89\x24", b"\x80\x24"))
    assert "nothing on channel 10" in run("reconstruct", folder / "drums_2bar_tiny", waltz, *out).output
    unplayable = ["--low", 61, "--high", 61, "--scale", "Major"]  # is refused before the model is loaded
    said = refused("reconstruct", folder / "trio_16bar_tiny", long, *out, *unplayable)
    assert "holds no notes for lead or bass (a bass has a program from 33 to 40); the model hears silence there" in said


def test_a_place_that_cannot_be_written_is_a_message(folder, tmp_path):
    (tmp_path / "file").write_text("")
    assert f"{tmp_path / 'file'}" in refused("generate", folder / "drums_2bar_tiny", "--out", tmp_path / "file" / "below")
    assert "'nan' is not a number" in refused("generate", folder / "drums_2bar_tiny", "--temperature", "nan", "--out", tmp_path)


def test_mistakes_are_named(folder, tmp_path, clip):
    out = ["--out", tmp_path / "out"]
    assert "no model 'drums_2bar_smal'" in refused("generate", "drums_2bar_smal", *out)
    junk = tmp_path / "junk.mid"
    junk.write_bytes(bytes(range(200)))
    assert "junk.mid" in refused("reconstruct", folder / "drums_2bar_tiny", junk, *out)
    assert "holds no notes for melody" in refused("vary", folder / "melody_2bar_tiny", clip, *out)
    assert "no melody note is allowed" in refused("generate", folder / "melody_2bar_tiny", "--low", 61, "--high", 61, "--scale", "Major", *out)
    assert "drums, which have no key" in refused("generate", folder / "drums_2bar_tiny", "--root", "D", *out)
    assert "0<=x<=4" in refused("generate", folder / "drums_2bar_tiny", "--temperature", 5, *out)
    assert "does not exist" in refused("reconstruct", folder / "drums_2bar_tiny", tmp_path / "nothing.mid", *out)
    assert not (tmp_path / "out").exists()
