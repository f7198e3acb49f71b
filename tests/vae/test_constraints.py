"""Options as a bias on the distributions."""

import numpy as np
import pytest

from vae.codecs import DRUM_KINDS, HOLD, REST, codec
from vae.constraints import SCALES, Constraints, logit_bias, scale_name


def shares(bias):
    """Probabilities that a bias gives to classes which a model finds equally likely."""
    weights = np.exp(bias - bias.max())
    return weights / weights.sum()


def test_nothing_asked_is_no_bias():
    assert logit_bias(codec("melody_2bar"), Constraints(velocity=80, bars=8)) is None


@pytest.mark.parametrize("root, scale", [(0, "Major"), (9, "Minor Pentatonic"), (11, "Messiaen 3"), (5, None)])
def test_only_pitches_of_the_scale_keep_probability(root, scale):
    [bias] = logit_bias(codec("melody_2bar"), Constraints(root=root, scale=scale))
    allowed = {(root + step) % 12 for step in SCALES[scale or "Major"]}
    probabilities = shares(bias)
    assert {pitch % 12 for pitch in range(128) if probabilities[pitch] > 0} == allowed
    assert probabilities[HOLD] == probabilities[REST] > 0
    assert bias.dtype == np.float32


def test_range_and_scale_act_together_and_on_both_melodic_parts_of_a_trio():
    lead, bass, drums = logit_bias(codec("trio_16bar"), Constraints(root=0, scale="Major", low=36, high=60))
    assert [pitch for pitch in range(128) if shares(lead)[pitch] > 0] == [
        pitch for pitch in range(36, 61) if pitch % 12 in SCALES["Major"]]
    assert (lead == bass).all()
    assert [name for bit, (name, _) in enumerate(DRUM_KINDS) if shares(drums)[1 << bit] > 0] == [
        name for name, pitches in DRUM_KINDS if 36 <= pitches[0] <= 60]


def test_a_combination_of_hits_with_a_forbidden_kind_is_forbidden():
    [bias] = logit_bias(codec("drums_2bar"), Constraints(low=36, high=38))
    assert [combination for combination in range(512) if shares(bias)[combination] > 0] == [0, 1, 2, 3]


@pytest.mark.parametrize("task", ["melody_2bar", "drums_2bar"])
def test_more_density_gives_more_notes(task):
    def notes(density):
        bias = logit_bias(codec(task), Constraints(density=density))
        probabilities = shares(bias[0]) if bias else shares(np.zeros(codec(task).classes[0]))
        counts = [c.bit_count() if task == "drums_2bar" else c < HOLD for c in range(len(probabilities))]
        return float(probabilities @ np.array(counts, float))

    amounts = [notes(density) for density in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert amounts == sorted(amounts) and amounts[0] < amounts[2] / 5


def test_what_leaves_no_note_is_refused_in_words():
    with pytest.raises(ValueError, match="no melody note is allowed by pitches 61 to 61 in Major on 0"):
        logit_bias(codec("melody_2bar"), Constraints(root=0, scale="Major", low=61, high=61))
    with pytest.raises(ValueError, match="no drums note is allowed by pitches 0 to 20"):
        logit_bias(codec("drums_2bar"), Constraints(high=20))


def test_scales_start_on_their_root_rise_and_have_live_s_names():
    assert all(steps[0] == 0 and list(steps) == sorted(set(steps)) and steps[-1] < 12 for steps in SCALES.values())
    assert scale_name("MINOR BLUES") == "Minor Blues" and scale_name("blues") is None
