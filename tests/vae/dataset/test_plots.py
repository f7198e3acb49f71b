import numpy as np
import pytest
from matplotlib import colors, image

from vae.dataset.plots import COLOURS, draw_clips
from vae.notes import Clip, Note


def share_of(path, colour):
    """How much of a picture has a colour, or that of a part."""
    picture = image.imread(path)[..., :3]
    return float((np.abs(picture - colors.to_rgb(COLOURS.get(colour, colour))).max(axis=-1) < 0.02).mean())


PITCHES = {"melody": 60, "lead": 60, "bass": 40, "drums": 38}


def clip(*parts, beats=8.0):
    return Clip.of(beats, [Note(part, PITCHES[part], float(beat), 1.0, 90)
                           for part in parts for beat in range(int(beats))])


@pytest.mark.parametrize("parts", [("drums",), ("melody",), ("lead", "bass", "drums")])
def test_every_part_is_drawn_in_its_colour(tmp_path, parts):
    draw_clips([clip(*parts), clip(*parts)], tmp_path / "a.png", ["one", "two"])
    for part in parts:
        assert share_of(tmp_path / "a.png", part) > 0.002


def test_originals_are_black_where_that_hides_no_part(tmp_path):
    for parts, has_black in ((("melody",), True), (("lead", "bass"), False)):
        draw_clips([clip(*parts), clip(*parts)], tmp_path / "a.png", black=[0])
        assert all(share_of(tmp_path / "a.png", part) > 0.002 for part in parts)
        assert (share_of(tmp_path / "a.png", "black") > 0.005) == has_black


def test_hits_are_as_wide_as_a_sixteenth(tmp_path):
    pictures = []
    for length in (0.1, 4.0):
        draw_clips([Clip(8.0, (Note("drums", 36, 0.0, length, 90),))], tmp_path / "a.png")
        pictures.append(image.imread(tmp_path / "a.png"))
    assert (pictures[0] == pictures[1]).all()


def test_panels_stand_in_columns(tmp_path):
    sizes = {}
    for columns in (1, 4):
        draw_clips([clip("melody")] * 4, tmp_path / "a.png", columns=columns)
        height, width, _ = image.imread(tmp_path / "a.png").shape
        sizes[columns] = width / height
    assert sizes[4] > 6 * sizes[1]


def test_a_longer_note_covers_more(tmp_path):
    shares = []
    for length in (1.0, 8.0):
        draw_clips([Clip(8.0, (Note("melody", 60, 0.0, length, 90),))], tmp_path / "a.png")
        shares.append(share_of(tmp_path / "a.png", "melody"))
    assert shares[1] == pytest.approx(8 * shares[0], rel=0.1)


def test_silence_unknown_drums_and_the_ends_of_the_keyboard(tmp_path):
    draw_clips([Clip(8.0, ()), Clip(8.0, (Note("drums", 1, 0.0, 1.0, 90), Note("melody", 0, 0.0, 1.0, 90),
                                          Note("melody", 127, 1.0, 1.0, 90)))], tmp_path / "a.png")
    assert share_of(tmp_path / "a.png", "melody") > 0.0005


def test_what_cannot_be_drawn(tmp_path):
    with pytest.raises(ValueError, match="no clips"):
        draw_clips([], tmp_path / "a.png")
    with pytest.raises(ValueError, match="each of 1 clips, received 2"):
        draw_clips([clip("drums")], tmp_path / "a.png", ["one", "two"])
