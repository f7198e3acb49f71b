import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vae.codecs import CODECS, DRUM_KINDS, HOLD, REST, canonical_melody, codec, drum_tokens, melody_tokens
from vae.notes import Clip, Note, read_clip, write_midi


@st.composite
def sequences(draw, task):
    """Canonical token sequences of a task."""
    task_codec = codec(task)
    columns = []
    for classes in task_codec.classes:
        column = draw(arrays(np.int32, task_codec.steps, elements=st.integers(0, classes - 1), fill=st.integers(0, classes - 1)))
        columns.append(column if classes == 512 else canonical_melody(column))
    return np.stack(columns, axis=-1)


@pytest.mark.parametrize("task", CODECS)
@settings(max_examples=40)
@given(data=st.data())
def test_tokens_to_clip_to_file_and_back(task, data, tmp_path_factory):
    tokens = data.draw(sequences(task))
    clip = codec(task).decode(tokens)
    np.testing.assert_array_equal(codec(task).encode(clip), tokens)
    path = tmp_path_factory.getbasetemp() / f"{task}.mid"
    write_midi(clip, path)
    assert read_clip(path, codec(task).parts) == clip
    np.testing.assert_array_equal(codec(task).encode(read_clip(path, codec(task).parts)), tokens)


@given(arrays(np.int32, (3, 32), elements=st.sampled_from([60, 72, HOLD, HOLD, REST])))
def test_canonical_is_what_a_player_hears(rows):
    canonical = canonical_melody(rows)
    for row, result in zip(rows, canonical):
        sounding = False
        for token, expected in zip(row, result):
            sounding = token != REST if token != HOLD else sounding
            assert expected == (token if token != HOLD or sounding else REST)
    np.testing.assert_array_equal(canonical_melody(canonical), canonical)


def test_shapes_and_classes():
    assert [(task.steps, task.classes, task.parts) for task in CODECS.values()] == [
        (32, (512,), ("drums",)), (32, (130,), ("melody",)), (512, (130,), ("melody",)),
        (256, (130, 130, 512), ("lead", "bass", "drums"))]


def test_nine_kinds_share_no_pitch():
    pitches = [pitch for _, kind in DRUM_KINDS for pitch in kind]
    assert len(DRUM_KINDS) == 9 and len(set(pitches)) == len(pitches) == 63
    assert [kind[0] for _, kind in DRUM_KINDS] == [36, 38, 42, 46, 45, 48, 50, 49, 51]


def test_drum_classes_are_bits():
    clip = Clip.of(8.0, [Note("drums", 35, 0.0, 1.0, 9), Note("drums", 53, 0.0, 1.0, 9), Note("drums", 22, 0.3, 1.0, 9),
                         Note("drums", 0, 4.0, 1.0, 9)])
    tokens = codec("drums_2bar").encode(clip)[:, 0]
    assert tokens[0] == 1 << 0 | 1 << 8 and tokens[1] == 1 << 2 and tokens.sum() == 257 + 4


def test_the_highest_start_wins_and_ends_the_note_before():
    tokens = melody_tokens(np.array([0, 0, 4, 6]), np.array([8, 16, 5, 7]), np.array([60, 72, 40, 90]), 8)
    assert tokens.tolist() == [72, HOLD, HOLD, HOLD, 40, REST, 90, REST]


def test_notes_without_length_sound_for_a_step_and_none_outside_does():
    assert melody_tokens(np.array([-1, 1, 4]), np.array([9, 1, 5]), np.array([60, 61, 62]), 4).tolist() == [REST, 61, REST, REST]
    assert drum_tokens(np.array([-1, 0, 4]), np.array([36, 38, 36]), 4).tolist() == [2, 0, 0, 0]


def test_times_are_rounded_to_the_nearest_sixteenth():
    melody = codec("melody_2bar")
    clip = Clip.of(8.0, [Note("melody", 60, 0.12, 0.4, 100), Note("melody", 62, 0.9, 0.01, 100), Note("melody", 64, 7.9, 1.0, 9)])
    assert melody.encode(clip)[:5, 0].tolist() == [60, HOLD, REST, REST, 62]
    assert (melody.encode(clip)[5:, 0] == REST).all()  # the last note belongs to the bar after


def test_other_parts_are_not_read():
    clip = Clip.of(8.0, [Note("drums", 36, 0.0, 1.0, 100), Note("melody", 60, 0.0, 1.0, 100)])
    assert codec("melody_2bar").encode(clip)[:5, 0].tolist() == [60, HOLD, HOLD, HOLD, REST]
    assert np.flatnonzero(codec("drums_2bar").encode(clip)).tolist() == [0]


@pytest.mark.parametrize("beats, note, message", [
    (8.5, (60, 0.0, 1.0), "at most 8 beats, received 8.5"),
    (float("nan"), (60, 0.0, 1.0), "at most 8 beats"),
    (8.0, (60, -0.1, 1.0), "within the clip"),
    (4.0, (60, 4.1, 1.0), "within the clip's 4 beats"),
    (8.0, (60, float("nan"), 1.0), "within the clip"),
    (8.0, (60, 0.0, float("inf")), "within the clip"),
    (8.0, (128, 0.0, 1.0), "pitches are 0-127"),
])
def test_clips_that_cannot_be_held(beats, note, message):
    with pytest.raises(ValueError, match=message):
        codec("melody_2bar").encode(Clip(beats, (Note("melody", *note, 100),)))


def test_tokens_that_are_none():
    with pytest.raises(ValueError, match=r"shape \(32, 1\), received \(32,\)"):
        codec("melody_2bar").decode(np.zeros(32, int))
    with pytest.raises(ValueError, match="0-129, received 0-130"):
        codec("melody_2bar").decode(np.arange(32)[:, None] // 31 * 130)


def test_an_unknown_task_names_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'melody_2bar'"):
        codec("melody_2bars")
