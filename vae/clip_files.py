"""Files of clips: names that say how a clip was made, and never one clip in the place of another."""
import re
from collections.abc import Iterable
from pathlib import Path

from vae.constraints import Constraints
from vae.notes import Clip, midi_bytes

LONGEST = 40  # characters of a source's name that go into a file's


def file_stem(name: str, sources: Iterable[Path], words: Iterable[str]) -> str:
    """A file name without its ending: the clip's name, the files that it was made from, and what else was asked."""
    stems = (path.stem[:LONGEST] for path in sources)
    return re.sub(r"[^\w.]+", "-", " ".join([name, *stems, *words])).strip("-")


def differing(asked: Constraints) -> list[str]:
    """What was asked of the clips beyond the usual, in words such as "density0.7"."""
    plain = Constraints()
    return [f"{name}{value:g}" if isinstance(value, float) else f"{name}{value}"
            for name, value in vars(asked).items() if value != getattr(plain, name)]


def write_clip(clip: Clip, folder: Path, stem: str, tempo: float = 120.0) -> Path:
    """Write a clip as FOLDER/STEM.mid and return the path. A file that is there already stays as it is: the clip goes
    to STEM-2.mid, STEM-3.mid and so on, unless one of them is this very clip."""
    content = midi_bytes(clip, tempo)
    folder.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        path = folder / (f"{stem}.mid" if number == 1 else f"{stem}-{number}.mid")
        try:
            with open(path, "xb") as file:
                file.write(content)
            return path
        except FileExistsError:
            if path.is_file() and path.read_bytes() == content:
                return path
            number += 1
