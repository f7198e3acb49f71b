"""Files and folders that a command will write: whether they can be is found out before its work and not after it."""
import contextlib
import pathlib
import tempfile
from collections.abc import Iterator

import click


class OutputFolder(click.Path):
    """A folder to write into, which need not exist yet."""

    def __init__(self):
        super().__init__(path_type=pathlib.Path)

    def convert(self, value, parameter, context):
        path = super().convert(value, parameter, context)
        try:
            check_folder(path)
        except OSError as error:
            self.fail(f"{str(path)!r}: no folder that can be written into: {error}", parameter, context)
        return path


class OutputFile(click.Path):
    """A file to write, or to replace. endings: those it may have, none for any."""

    def __init__(self, *endings: str, allow_dash: bool = False):
        super().__init__(dir_okay=False, allow_dash=allow_dash, path_type=pathlib.Path)
        self._endings = endings

    def convert(self, value, parameter, context):
        path = super().convert(value, parameter, context)
        if self.allow_dash and str(path) == "-":
            return path
        if self._endings and path.suffix.lower() not in self._endings:
            self.fail(f"must end in {', '.join(self._endings)}. Received: {str(path)!r}", parameter, context)
        try:
            there = path.exists()
            with open(path, "ab"):
                pass
            if not there:
                path.unlink()
        except OSError as error:
            self.fail(f"cannot be written: {error}", parameter, context)
        return path


def check_folder(path: pathlib.Path) -> None:
    """Raise OSError if no file can be written into a folder, or into the one it would have to be made in."""
    absolute = path.absolute()
    existing = next(folder for folder in (absolute, *absolute.parents) if folder.exists() or folder.is_symlink())
    with tempfile.TemporaryFile(dir=existing):
        pass


@contextlib.contextmanager
def in_place_of(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """A new folder to write into, which takes the place of `folder`, if that exists, once all is written.

    Until then, and if anything fails, `folder` stays as it was; whoever reads it sees the old folder or the new one. The
    new folder lies beside it, since only within a file system a folder is renamed, and a level deeper, where no one
    looks for models.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent, ignore_cleanup_errors=True) as place:
        fresh, old = (pathlib.Path(place) / name / folder.name for name in ("new", "old"))
        fresh.mkdir(parents=True)
        yield fresh
        old.parent.mkdir()
        if folder.exists():
            folder.rename(old)
        try:
            fresh.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise


PICTURE = OutputFile(".png", ".jpg", ".pdf", ".svg")
