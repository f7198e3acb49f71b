"""Answers kept for 30 s, so that a client which lost one may ask again without the work being done twice."""

from dataclasses import dataclass

from bridge.chunks import PackedClip

KEPT = 30.0  # seconds
MOST_ANSWERS = 1024  # of one client: those of 30 s in which it morphs 30 times a second
MOST_BYTES = 4 << 20  # of the answers of one client; then the oldest go early, and a repetition is computed again
ANSWER_BYTES = 500  # that an answer takes in memory beside its clips
CLIP_BYTES = 150  # that a clip takes beside its messages


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered.

    asked: its identity (`bridge.osc.Message.identity`). end: its `/vae/done` or `/vae/fail`. clips: those before it.
    borrowed: they belong to a grid and take no memory of their own.
    """

    asked: bytes
    end: bytes
    clips: tuple[PackedClip, ...] = ()
    borrowed: bool = False

    @property
    def size(self) -> int:
        """Bytes that it takes in memory."""
        return ANSWER_BYTES + (0 if self.borrowed else packed_size(self.clips))


def packed_size(clips: tuple[PackedClip, ...]) -> int:
    """Bytes that clips take in memory."""
    return sum(len(clip.data) + CLIP_BYTES for clip in clips)
