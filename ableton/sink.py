"""A sink for the daemon's clips: what it makes for any client is also written into Live, through AbletonOSC.

For set-ups without Max: a Pure Data patch or `oscsend` asks, and the clip is in Live's next free slot of one track.
"""

import logging
import queue
import threading
from collections.abc import Callable, Sequence

from ableton.live_osc import AbletonOsc, LiveError, Slot
from bridge.chunks import PackedClip
from bridge.client import Reply
from bridge.osc import read_packet
from vae.notes import Clip

WAITING = 64  # clips; further ones are dropped, so that a flood of requests cannot fill the memory

log = logging.getLogger(__name__)


class LiveSink:
    """Writes clips into the free slots of a track, from the first down, in a thread of its own.

    connect: makes the connection; one is opened for the clips at hand and closed again, so that other clients of
    AbletonOSC get its answers in between. Faults of Live are logged: they must not stop the daemon.
    """

    def __init__(self, track: int, connect: Callable[[], AbletonOsc] = AbletonOsc):
        self._track = track
        self._connect = connect
        self._clips: queue.Queue[PackedClip | None] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._run, name="live sink", daemon=True)
        self._thread.start()

    def put(self, clips: Sequence[PackedClip]) -> None:
        """Have clips written; returns at once."""
        for clip in clips:
            try:
                self._clips.put_nowait(clip)
            except queue.Full:
                log.warning("a clip was not written to Live: %d wait already", WAITING)

    def close(self) -> None:
        """Write what waits, then end."""
        self._clips.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (packed := self._clips.get()) is not None:
            name, clip = unpack_clip(packed)
            try:
                with self._connect() as osc:
                    slot = self._free_slot(osc)
                    if slot is None:
                        log.warning("%s was not written: track %d has no free slot", name, self._track)
                        continue
                    osc.write_clip(slot, clip, name)
                    log.info("wrote %s to %s", name, slot)
            except LiveError as error:
                log.warning("%s was not written: %s", name, error)

    def _free_slot(self, osc: AbletonOsc) -> Slot | None:
        slots = (Slot(self._track, index) for index in range(osc.scene_count()))
        return next((slot for slot in slots if not osc.has_clip(slot)), None)


def unpack_clip(packed: PackedClip) -> tuple[str, Clip]:
    """A packed clip's name and notes."""
    reply = Reply(rid=1)
    for data in packed.messages(1):
        for message in read_packet(data):
            reply.add(message)
    (received,) = reply.clips.values()
    return received.name, received.clip()
