import shutil

import numpy as np
import pytest

from tests.vae.midi_files import SONGS
from vae.dataset.extraction import Rules
from vae.dataset.pipeline import Plan
from vae.notes import Clip, Note, write_midi


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """A folder of 60 small melodies and beats, real songs in two versions, copies, and broken files."""
    folder = tmp_path_factory.mktemp("library")
    rng = np.random.default_rng(5)
    for index in range(60):
        notes = [Note("melody", int(pitch), float(beat), 1.0, 90) for beat, pitch in enumerate(rng.integers(50, 80, 16))]
        hits = [Note("drums", int(pitch), float(beat) / 2, 0.25, 90) for beat, pitch in enumerate(rng.choice([36, 38, 42], 32))]
        write_midi(Clip.of(16.0, notes + hits), folder / f"song number {index:03d}.mid")
    for path in SONGS.values():
        shutil.copy(path, folder)
    (folder / "deeper").mkdir()
    shutil.copy(SONGS["reel"], folder / "deeper" / "the reel under another name.MID")
    (folder / "noise.mid").write_bytes(rng.bytes(500))
    (folder / "cut.mid").write_bytes(SONGS["reel"].read_bytes()[:1000])
    (folder / "readme.txt").write_text("no music")
    return folder


@pytest.fixture
def plan(library):
    """A plan by task for that folder."""
    return lambda task, **rules: Plan((library,), task, Rules(**rules), validation=0.2, test=0.2)
