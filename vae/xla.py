"""Compiling TensorFlow functions with XLA, and keeping the programs that serve, so that a daemon's next start is fast.

TensorFlow's persistent cache trusts what it finds: a file that was cut short fails the load of its model, a program
for another processor can end the process. So what is kept is one archive, with checksums, for one TensorFlow version
and one kind of processor. Each process unpacks it for itself, and it is away until what it holds has served: if a
program ends the process, the next start compiles all of them anew.
"""
import hashlib
import io
import os
import pathlib
import platform
import shutil
import zipfile
from importlib import metadata

import psutil

HOME = pathlib.Path.home() / ".musicvae" / "compiled"


def compiled(function):
    """`function` as one XLA program for each set of shapes that it is called with."""
    from vae.quiet import import_tensorflow

    # AutoGraph would only cost time: half a second for a decoder, in which nothing is left for it to rewrite.
    return import_tensorflow().function(function, jit_compile=True, autograph=False)


def _machine() -> str:
    """The kind of processor that programs are compiled for."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        features = next(line for line in lines if line.lower().startswith(("flags", "features")))
    except (OSError, StopIteration):
        features = platform.processor()
    return f"{platform.machine()}-{hashlib.sha256(features.encode()).hexdigest()[:12]}"


class KeptPrograms:
    """The compiled programs of this process, and those that an earlier one kept. Make it before TensorFlow compiles.

    Only programs for the CPU are kept. Without a place to keep them, all are compiled anew at each start.
    """

    def __init__(self, home: pathlib.Path = HOME):
        self._archive = home / f"tensorflow-{metadata.version('tensorflow')}-{_machine()}.zip"
        self._folder = home / f"of-process-{os.getpid()}"
        try:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.mkdir(parents=True)
            _remove_left(home)
            self._unpack()
        except OSError:
            return
        flags = f"--tf_xla_persistent_cache_directory={self._folder} --tf_xla_persistent_cache_device_types=CPU"
        os.environ["TF_XLA_FLAGS"] = f"{os.environ.get('TF_XLA_FLAGS', '')} {flags}".strip()

    def _unpack(self) -> None:
        try:
            content = self._archive.read_bytes()
            self._archive.unlink()
        except FileNotFoundError:
            return
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                archive.extractall(self._folder)  # checks the checksums
        except (zipfile.BadZipFile, OSError, ValueError):
            shutil.rmtree(self._folder)
            self._folder.mkdir()

    def keep(self) -> None:
        """Keep all programs compiled or unpacked so far: they served."""
        part = self._folder / self._archive.name
        try:
            with zipfile.ZipFile(part, "w") as archive:
                for path in sorted(self._folder.glob("*.pb")):
                    archive.write(path, path.name)
            part.replace(self._archive)
        except OSError:
            return  # the next start compiles anew, no more


def _remove_left(home: pathlib.Path) -> None:
    """Remove the folders of processes that are gone."""
    for folder in home.glob("of-process-*"):
        if not psutil.pid_exists(int(folder.name.rpartition("-")[2])):
            shutil.rmtree(folder, ignore_errors=True)
