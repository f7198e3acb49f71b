"""Piano rolls as pictures, like Figures 2 to 5 of the paper: what `dataset show` and every `--plot` draws."""
import math
from collections.abc import Collection
from pathlib import Path

from vae.codecs import DRUM_KINDS
from vae.notes import BEATS_PER_BAR, STEPS_PER_BEAT, Clip

COLOURS = {"melody": "#1f5fa8", "lead": "#1f5fa8", "bass": "#2a8c4a", "drums": "#c8452f"}
_KIND_OF_PITCH = {pitch: kind for kind, (_, pitches) in enumerate(DRUM_KINDS) for pitch in pitches}
_INCHES_PER_BEAT, _INCHES_PER_ROW, _TALLEST = 0.22, 0.085, 4.5  # of a panel; rows are semitones, drum lanes two
_LANE = 2  # rows of a drum lane, which must have room for its name


def draw_clips(clips: list[Clip], path: Path | str, titles: list[str] | None = None, columns: int | None = None,
               black: Collection[int] = ()) -> None:
    """Draw clips as piano rolls on one PNG.

    All panels share their axes, so what moves between clips moves in the picture. Pitches are rows, an octave line at
    every C; drums are nine lanes with their names, below the pitches if there are both; each part has its colour. Drum
    hits have the width of a sixteenth, whatever their length in a file.

    Args:
        clips: at least one.
        path: the PNG to write.
        titles: one per clip, over its panel.
        columns: panels side by side, all in one row for a short interpolation; chosen by the clips' length if None.
        black: numbers of the clips that no model made, to be drawn in black as in Figures 2 and 3. Several parts keep
            their colours.
    """
    if not clips:
        raise ValueError("there are no clips to draw")
    if titles is not None and len(titles) != len(clips):
        raise ValueError(f"expected a title for each of {len(clips)} clips, received {len(titles)}")
    from matplotlib.figure import Figure  # takes a second to import; Figure alone draws with Agg and keeps no state

    beats = max(clip.beats for clip in clips)
    columns = min(len(clips), columns or max(1, round(64 / beats)))
    rows = math.ceil(len(clips) / columns)
    scale = _Scale(clips)
    width = max(1.6, beats * _INCHES_PER_BEAT * min(1, 40 / beats))
    height = min(max(1.1, scale.rows * _INCHES_PER_ROW), _TALLEST, 1.4 * width)
    figure = Figure(figsize=(columns * width + 1.2, rows * (height + 0.35) + 0.5), layout="constrained", dpi=110)
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    parts = [part for part in COLOURS if any(note.part == part for clip in clips for note in clip.notes)]
    for index, (panel, clip) in enumerate(zip(panels, clips)):
        _draw(panel, clip, beats, scale, dict.fromkeys(parts, "black") if index in black and len(parts) == 1 else COLOURS)
        if titles is not None:
            panel.set_title(titles[index], fontsize=8, loc="left", pad=3)
    for panel in panels[len(clips):]:
        panel.set_visible(False)
    if len(parts) > 1:
        from matplotlib.patches import Patch
        figure.legend(handles=[Patch(color=COLOURS[part], label=part) for part in parts], ncols=len(parts),
                      loc="outside upper right", fontsize=8, frameon=False)
    figure.savefig(path)


class _Scale:
    """Where pitches and drum kinds stand on the vertical axis that all panels share."""

    def __init__(self, clips: list[Clip]):
        notes = [note for clip in clips for note in clip.notes]
        pitches = [note.pitch for note in notes if note.part != "drums"]
        self.has_pitches = bool(pitches)
        self.has_drums = any(note.part == "drums" for note in notes)
        self.low = min(pitches) - 2 if pitches else 0
        self.high = max(max(pitches) + 3, self.low + 14) if pitches else 0  # an octave and more, so a C is labelled
        self.bottom = self.low - (_LANE * len(DRUM_KINDS) + 1 if self.has_drums and pitches else 0)
        if not pitches:
            self.bottom, self.high = 0, _LANE * len(DRUM_KINDS) if self.has_drums else 12

    @property
    def rows(self) -> int:
        return self.high - self.bottom

    def row(self, part: str, pitch: int) -> tuple[float, float] | None:
        """(bottom, height) of a note, or None for a drum of no kind."""
        if part != "drums":
            return pitch, 1
        kind = _KIND_OF_PITCH.get(pitch)
        return None if kind is None else (self.bottom + _LANE * kind + 0.15, _LANE - 0.3)

    def ticks(self) -> tuple[list[float], list[str]]:
        places, labels = [], []
        if self.has_drums:
            places += [self.bottom + _LANE * (kind + 0.5) for kind in range(len(DRUM_KINDS))]
            labels += [name for name, _ in DRUM_KINDS]
        octaves = range(-(-self.low // 12) * 12, self.high, 12) if self.has_pitches else ()
        places += [pitch + 0.5 for pitch in octaves]
        labels += [f"C{pitch // 12 - 2}" for pitch in octaves]  # Live's octave numbers: 60 is C3
        return places, labels


def _draw(panel, clip: Clip, beats: float, scale: _Scale, colours: dict[str, str]) -> None:
    from matplotlib.collections import PolyCollection  # one artist for all boxes of a part draws several times as fast

    for part, colour in colours.items():
        boxes = []
        for note in clip.notes:
            row = scale.row(part, note.pitch) if note.part == part else None
            if row is not None:
                left, right = note.start, note.start + (1 / STEPS_PER_BEAT if part == "drums" else note.duration)
                bottom, top = row[0], row[0] + row[1]
                boxes.append([(left, bottom), (right, bottom), (right, top), (left, top)])
        panel.add_collection(PolyCollection(boxes, facecolor=colour, edgecolor="white", linewidth=0.3), autolim=False)
    panel.set_xlim(0, beats)
    panel.set_ylim(scale.bottom, scale.high)
    bars = int(beats // BEATS_PER_BAR)
    every = max(1, bars // 8)
    panel.set_xticks([bar * BEATS_PER_BAR for bar in range(0, bars + 1, every)],
                     [str(bar + 1) for bar in range(0, bars + 1, every)], fontsize=6)
    panel.set_xticks(range(0, int(beats) + 1, 1 if every == 1 else BEATS_PER_BAR), minor=True)
    places, labels = scale.ticks()
    panel.set_yticks(places, labels, fontsize=6)
    panel.grid(which="major", axis="x", color="#b0b0b0", linewidth=0.6)
    panel.grid(which="minor", axis="x", color="#dddddd", linewidth=0.3)
    panel.grid(which="major", axis="y", color="#e6e6e6", linewidth=0.4)
    panel.set_axisbelow(True)
    panel.tick_params(length=0, which="both")
    for spine in panel.spines.values():
        spine.set(color="#b0b0b0", linewidth=0.6)
