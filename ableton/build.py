"""The devices: which there are, and how a readable source becomes a frozen .amxd.

Building is reproducible: the same sources give the same bytes, so the built files in the repository can be checked
against them.
"""

from pathlib import Path

from ableton import amxd
from ableton.patcher import Source, compile_patcher, read_source

DEVICES = Path(__file__).resolve().parent.parent / "max_patches"
MODIFIED = 1_735_689_600  # 2025-01-01: `mdat` of every file inside, fixed for reproducible bytes


def sources(folder: Path = DEVICES) -> list[Source]:
    """The source of every device, by folder name."""
    return [read_source(path) for path in sorted(folder.glob("*/patch.yaml"))]


def device_bytes(source: Source) -> bytes:
    """The frozen device file of a source, its scripts inside."""
    files = {name: text.encode("utf-8") for name, text in source.scripts.items()}
    fourcc = amxd.DEVICE_TYPES[source.type]
    return amxd.pack(amxd.frozen(fourcc, f"{source.name}.amxd", compile_patcher(source), files, MODIFIED))


def built_devices(folder: Path = DEVICES) -> dict[str, Path]:
    """Built device files by device name."""
    return {path.stem: path for path in sorted(folder.glob("*.amxd"))}


def build_all(folder: Path = DEVICES) -> dict[Path, bool]:
    """Build every device. Returns each file and whether its bytes changed."""
    changed = {}
    for source in sources(folder):
        path = folder / f"{source.name}.amxd"
        data = device_bytes(source)
        changed[path] = not path.exists() or path.read_bytes() != data
        if changed[path]:
            path.write_bytes(data)
    return changed
