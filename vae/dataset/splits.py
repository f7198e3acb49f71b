"""Which split a source file belongs to: a stable hash of its song, so that a file never changes sides.

Versions of one song are near-duplicates, and a test set that holds a remix of what was trained on measures memory.
So the hash is of the song's name, not of the path: the file's stem without what tells versions apart (case, a
release tag in front, a content hash or a copy number behind). `freedoom/d_dm01.mid` and
`freedoom-releases/v0.9_d_dm01_1a2b3c4d.mid` are both `d_dm01`. Grouping too much ("Disco 1" with "Disco 2") costs
nothing but a coarser split; grouping too little would flatter every figure.
"""
import hashlib
import re
import unicodedata
from pathlib import PurePath

SPLITS = ("train", "validation", "test")  # in the order in which a split keeps an example that several have

_VERSION_MARKS = (
    re.compile(r"^v?\d+(\.\d+)+[ _.-]+"),  # a release in front: v0.10_
    re.compile(r"[ _.-]+(?=[a-f]*\d)[0-9a-f]{8,}$"),  # a content hash behind: _1a2b3c4d
    re.compile(r"[ _.-]*\(\d+\)$"),  # a second download: (1)
    re.compile(r"[ _.-]+copy$"),
    re.compile(r"[ _.-]+v?\d{1,2}$"),  # a take, variant or version: _2, -v3
)


def song_name(path: PurePath | str) -> str:
    """The name that all versions of a song share."""
    name = unicodedata.normalize("NFKC", PurePath(path).stem).casefold().strip()
    for mark in _VERSION_MARKS:
        name = mark.sub("", name) or name
    return name


def split_of(path: PurePath | str, validation: float, test: float) -> int:
    """The index in SPLITS of a file's split, given the shares of validation and test (0-1)."""
    digest = hashlib.blake2b(song_name(path).encode("utf-8", "surrogateescape"), digest_size=8).digest()
    place = int.from_bytes(digest, "big") / 2**64
    return 2 if place < test else 1 if place < test + validation else 0
