"""Clips longer or shorter than a model's."""

import numpy as np
import pytest

from vae.long import join, leg_count, segment_count, walk, windows
from vae.notes import Clip, Note


def lerp(a, b, t):
    return (1 - t) * a + t * b


@pytest.mark.parametrize("bars, model_bars, count", [(None, 2, 1), (1, 2, 1), (2, 2, 1), (3, 2, 2), (32, 2, 16), (8, 16, 1)])
def test_segments_cover_the_bars(bars, model_bars, count):
    assert segment_count(bars, model_bars) == count


def test_a_walk_begins_and_ends_at_its_anchors_in_equal_steps():
    anchors = np.array([[0.0], [1.0], [2.0]])
    assert walk(anchors, 9, lerp)[:, 0].tolist() == [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2]
    assert leg_count(9) == 2 and leg_count(1) == 0
    assert walk(anchors[:1], 3, lerp).tolist() == [[0.0]] * 3


def test_windows_follow_the_clip_and_start_again():
    notes = [Note("drums", 36, at, 0.25, 100) for at in (0.0, 7.75, 8.0, 15.0, 16.5)]
    cut = windows(Clip.of(20.0, notes), 2, 5)
    assert [[note.start for note in window.notes] for window in cut] == [[0.0, 7.75], [0.0, 7.0], [0.5], [0.0, 7.75],
                                                                         [0.0, 7.0]]
    assert all(window.beats == 8.0 for window in cut)


def test_joined_clips_follow_each_other_and_are_cut_at_the_bars():
    clip = Clip.of(8.0, [Note("melody", 60, 0.0, 1.0, 100), Note("melody", 62, 3.0, 4.0, 100)])
    whole = join([clip, clip], None)
    assert whole.beats == 16.0 and [note.start for note in whole.notes] == [0.0, 3.0, 8.0, 11.0]
    cut = join([clip, clip], 3)
    assert cut.beats == 12.0 and cut.notes[-1] == Note("melody", 62, 11.0, 1.0, 100)
    assert join([clip], 1).notes == (Note("melody", 60, 0.0, 1.0, 100), Note("melody", 62, 3.0, 1.0, 100))
