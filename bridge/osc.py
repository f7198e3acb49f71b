"""OSC packets: built, and read with every byte checked.

The servers of python-osc trust their peer: a bundle element of negative size hangs them for ever, a bundle dated in the
future makes them sleep, a wildcard address backtracks. So a packet is walked here with every size checked before it is
used. The walk yields the values, so nothing is left to parse; the tests hold both directions against python-osc.
"""

import hashlib
import math
import struct
from typing import NamedTuple

from bridge.protocol import Fail

MAX_PACKET = 8192  # bytes that the daemon accepts
MAX_SENT = 1400  # bytes of the largest message that it sends: under every MTU, so no message is ever in two fragments
MAX_DEPTH = 8  # bundles within bundles
MAX_ADDRESS = 100  # bytes
BUNDLE = b"#bundle\0"
PATTERN = frozenset("*?[]{}")
INT = struct.Struct(">i")
FLOAT = struct.Struct(">f")
OTHER_TYPES = "hdtbScrmTFNI[]"  # of OSC 1.0; the protocol has no use for them


class Malformed(ValueError):
    """The packet is not OSC: nobody can be answered."""


class Message(NamedTuple):
    """A received message. args: those that could be read. fault: why it cannot be a request, or None."""

    address: str
    args: list
    fault: Fail | None

    @property
    def rid(self) -> int:
        """The first argument where it can be a request's id, else 0."""
        return self.args[0] if self.args and isinstance(self.args[0], int) and self.args[0] > 0 else 0

    @property
    def identity(self) -> bytes:
        """What two messages have in common only if they ask for the same, in 16 bytes."""
        return hashlib.blake2b(repr((self.address, self.args)).encode(), digest_size=16).digest()


def read_packet(packet: bytes) -> list[Message]:
    """The messages of a packet, those of bundles in order; a bundle's time tag is ignored.

    Raises Malformed when the framing is broken, in which case no part of the packet counts.
    """
    if not packet or len(packet) % 4:
        raise Malformed(f"{len(packet)} bytes, OSC packets have a multiple of 4")
    if len(packet) > MAX_PACKET:
        return [_oversized(packet)]
    messages: list[Message] = []
    _read_element(packet, 0, len(packet), 0, messages)
    return messages


def _oversized(packet: bytes) -> Message:
    """What can be known of a packet above MAX_PACKET without reading it all: whom to tell."""
    if packet.startswith(BUNDLE):
        raise Malformed(f"a bundle of {len(packet)} bytes, at most {MAX_PACKET} are accepted")
    message = _read_message(packet[:MAX_PACKET], 0, MAX_PACKET)
    fault = Fail("too_large", f"messages have at most {MAX_PACKET} bytes, received {len(packet)}")
    return Message(message.address, message.args[:1], fault)


def _read_element(packet: bytes, start: int, end: int, depth: int, messages: list[Message]) -> None:
    if not packet.startswith(BUNDLE, start, end):
        messages.append(_read_message(packet, start, end))
        return
    if depth == MAX_DEPTH:
        raise Malformed(f"bundles nested deeper than {MAX_DEPTH}")
    at = start + 16  # after the time tag
    if at > end:
        raise Malformed("a bundle without its time tag")
    while at < end:
        size = INT.unpack_from(packet, at)[0]  # 4 bytes are there: all sizes are multiples of 4
        at += 4
        if size <= 0 or size % 4 or size > end - at:
            raise Malformed(f"a bundle element of {size} bytes where {end - at} are left")
        _read_element(packet, at, at + size, depth + 1, messages)
        at += size


def _read_message(packet: bytes, start: int, end: int) -> Message:
    raw, at = _read_string(packet, start, end)
    if not raw.startswith(b"/") or not raw.isascii():
        raise Malformed("an address must be ASCII and start with /")
    address = raw[:MAX_ADDRESS].decode("ascii")
    args: list = []
    if at == end:  # older senders leave out the type tags when there are no arguments
        return Message(address, args, _address_fault(raw))
    raw_tags, at = _read_string(packet, at, end)
    if not raw_tags.startswith(b","):
        return Message(address, args, Fail("bad_arguments", "type tags must start with a comma"))
    fault = _read_arguments(packet, at, end, raw_tags[1:].decode("latin-1"), args)
    return Message(address, args, _address_fault(raw) or fault)


def _address_fault(raw: bytes) -> Fail | None:
    address = raw.decode("ascii")
    if not PATTERN.isdisjoint(address):
        return Fail("unknown_address", "addresses are taken literally, patterns are not matched")
    if len(raw) > MAX_ADDRESS:
        return Fail("unknown_address", f"addresses have at most {MAX_ADDRESS} bytes, received {len(raw)}")
    return None


def _read_arguments(packet: bytes, at: int, end: int, tags: str, args: list) -> Fail | None:
    """Append the arguments to `args` up to the first that cannot be taken; what is wrong with that one, or None."""
    for number, tag in enumerate(tags, 1):
        if tag in "if":
            if end - at < 4:
                return _bad(number, f"of type {tag} is missing its 4 bytes")
            value = (INT if tag == "i" else FLOAT).unpack_from(packet, at)[0]
            if tag == "f" and not math.isfinite(value):
                return _bad(number, f"must be a finite number, received {value}")
            args.append(value)
            at += 4
        elif tag == "s":
            try:
                raw, at = _read_string(packet, at, end)
                args.append(raw.decode("utf-8"))
            except UnicodeDecodeError:
                return _bad(number, "is not UTF-8 text")
            except Malformed:
                return _bad(number, "is text without its end")
        elif tag in OTHER_TYPES:
            return _bad(number, f"is of type {tag}; only i, f and s are accepted")
        else:
            return _bad(number, f"is of the unknown type {tag!r}; only i, f and s are accepted")
    if at != end:
        return Fail("bad_arguments", f"{end - at} bytes follow the last argument")
    return None


def _bad(number: int, text: str) -> Fail:
    return Fail("bad_arguments", f"argument {number} {text}")


def _read_string(packet: bytes, start: int, end: int) -> tuple[bytes, int]:
    """The bytes of an OSC string before its NUL, and where the next element starts (strings are padded to 4)."""
    stop = packet.find(b"\0", start, end)
    after = stop + 4 - (stop - start) % 4
    if stop < 0 or after > end:
        raise Malformed("text without its end")
    return packet[start:stop], after


def build_message(address: str, *args: float | str) -> bytes:
    """One OSC message; Python's int, float and str become i, f and s."""
    tags, body = ",", []
    for arg in args:
        if isinstance(arg, str):
            tags += "s"
            body.append(_padded(arg))
        elif isinstance(arg, float):
            tags += "f"
            body.append(FLOAT.pack(arg))
        else:
            tags += "i"
            body.append(INT.pack(arg))
    return b"".join((_padded(address), _padded(tags), *body))


def sendable(text: str, most: int) -> str:
    """A text as a message can carry it: bytes that are no UTF-8 (of file names) in hexadecimal, cut to `most` bytes."""
    return text.encode("utf-8", "backslashreplace")[:most].decode("utf-8", "ignore")


def _padded(text: str) -> bytes:
    raw = text.encode()
    return raw + b"\0" * (4 - len(raw) % 4)
