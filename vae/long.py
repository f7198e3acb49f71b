"""Clips longer (or shorter) than a model's own: the latent space walked segment by segment, so that a loop develops.

A clip of many segments is a row of latent codes, one per segment, each decoded with the same noise: neighbours that are
near in the latent space then differ in few notes. New material walks along great circles (slerp, paper appendix
"Sampling Details") from one drawn code to the next; material made from a clip follows that clip window by window,
from its start again when it is shorter.
"""

import math
from collections.abc import Callable

import numpy as np

from vae.notes import BEATS_PER_BAR, Clip

SEGMENTS_PER_LEG = 4  # between two drawn codes: eight bars with a 2-bar model, a usual length of a phrase pair


def segment_count(bars: int | None, model_bars: int) -> int:
    """How many codes a clip of so many bars takes; None means the model's own length."""
    return 1 if bars is None else math.ceil(bars / model_bars)


def leg_count(segments: int) -> int:
    """How many codes beyond the first a walk of so many segments is drawn between."""
    return math.ceil((segments - 1) / SEGMENTS_PER_LEG)


def walk(anchors: np.ndarray, segments: int, slerp: Callable) -> np.ndarray:
    """Codes at equal steps along the way through `anchors`, the first and last of which it begins and ends with.

    Args:
        anchors: codes in order. Shape [anchors, latent].
        segments: how many codes to return.
        slerp: spherical interpolation, slerp(a, b, t).

    Returns:
        Shape [segments, latent].
    """
    legs = len(anchors) - 1
    if legs == 0 or segments == 1:
        return np.repeat(anchors[:1], segments, axis=0)
    places = np.linspace(0, legs, segments)
    first = np.minimum(places.astype(int), legs - 1)
    return np.stack([slerp(anchors[leg], anchors[leg + 1], place - leg) for leg, place in zip(first, places)])


def windows(clip: Clip, model_bars: int, segments: int) -> list[Clip]:
    """The first `segments` windows of a model's length, from the clip's start again when it ends before.

    A note belongs to the window in which it starts; a clip's unfinished last window is filled with silence.
    """
    beats = float(model_bars * BEATS_PER_BAR)
    available = max(1, math.ceil(clip.beats / beats))
    return [_window(clip, (number % available) * beats, beats) for number in range(segments)]


def _window(clip: Clip, start: float, beats: float) -> Clip:
    notes = [note._replace(start=note.start - start) for note in clip.notes if start <= note.start < start + beats]
    return Clip.of(beats, notes)


def join(clips: list[Clip], bars: int | None) -> Clip:
    """Clips one after the other, cut to a length in bars (None: not cut)."""
    notes, at = [], 0.0
    for clip in clips:
        notes += [note._replace(start=note.start + at) for note in clip.notes]
        at += clip.beats
    end = at if bars is None else min(at, float(bars * BEATS_PER_BAR))
    kept = [note._replace(duration=min(note.duration, end - note.start)) for note in notes if note.start < end]
    return Clip.of(end, kept)
