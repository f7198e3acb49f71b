"""Packets that a daemon on a network may be sent: sound ones, broken ones, and those known to stop OSC servers."""

import random
import struct

from bridge.osc import build_message
from bridge.protocol import COMMANDS, OPTIONS, Arg

NOW = struct.pack(">Q", 1)
FUTURE = struct.pack(">Q", 0xFFFFFFFF00000000)  # 7 February 2036


def bundle(*elements: bytes, time: bytes = NOW) -> bytes:
    """An OSC bundle."""
    return b"#bundle\0" + time + b"".join(struct.pack(">i", len(element)) + element for element in elements)


def nested(message: bytes, depth: int) -> bytes:
    """A message within so many bundles."""
    for _ in range(depth):
        message = bundle(message)
    return message


# Each stopped, hung or fooled a widely used OSC server.
KILLERS = (
    b"#bundle\0" + NOW + struct.pack(">i", -4),  # python-osc walks backwards for ever
    b"#bundle\0" + NOW + struct.pack(">i", -20) + b"\0" * 4,
    b"#bundle\0" + NOW + struct.pack(">i", 0) * 8,
    b"#bundle\0" + NOW + struct.pack(">i", 2**31 - 4) + b"/a\0\0",
    b"#bundle\0" + NOW[:4],
    bundle(build_message("/vae/ping", 1), time=FUTURE),  # python-osc sleeps until then
    build_message("/" + "*" * 60 + "a", 1),  # a pattern that backtracks without end
    build_message("/{a,b}{a,b}{a,b}{a,b}/*/[!a-z]*?", 1),
    nested(build_message("/vae/ping", 1), 9),
    nested(b"", 300),
    build_message("/vae/hello", 1, 0, "x" * 8300, 1),
    b"/vae/ping\0\0\0,i\0\0",
    b"/vae/ping\0\0\0,iiiiiiiiiiiiiii",
    b"/vae/generate\0\0\0,isiff\0\0" + struct.pack(">i", 1) + b"\xff\xfe\xfd\0" + struct.pack(">iff", 1, float("nan"), 0),
    b"/vae/generate\0\0\0,isif\0\0\0" + struct.pack(">i", 1) + b"a\0\0\0" + struct.pack(">if", 1, float("inf")),
    b"/vae/ping\0\0\0,b\0\0" + struct.pack(">i", -1),
    b"/vae/ping\0\0\0,b\0\0" + struct.pack(">i", 2**31 - 1),
    b"/vae/ping\0\0\0,[[[[[[[[\0\0\0",
    b"/vae/ping\0\0\0," + b"T" * 4003,
    b"\0" * 8192,
    b"/" * 8192,
    b",",
    b"",
)


class Packets:
    """An endless supply, the same for the same seed."""

    def __init__(self, seed: int, models: tuple[str, ...] = ("drums_2bar_small",)):
        self._random = random.Random(seed)
        self._models = models
        self._makers = (self._noise, self._request, self._mutated, self._bundled, self._killer)

    def next(self) -> bytes:
        """One packet, of at most 9,000 bytes."""
        return self._random.choices(self._makers, weights=(2, 3, 5, 2, 1))[0]()[:9000]

    def _noise(self) -> bytes:
        return self._random.randbytes(4 * int(self._random.expovariate(1 / 20)))

    def _request(self) -> bytes:
        """A request with arguments that fit their types, and mostly their ranges."""
        command = self._random.choice(list(COMMANDS.values()))
        values = [self._value(arg) for arg in command.every]
        if command.options and self._random.random() < 0.5:
            name = self._random.choice(list(OPTIONS))
            values += [name, self._value(OPTIONS[name][0])]
        return build_message(command.address, *values)

    def _value(self, arg: Arg) -> int | float | str:
        if arg.type == "s":
            return self._random.choice((*self._models, "a", "b", "drums", "melody", "Major", "", "\u00e9\u6f22", "x" * 300))
        low = -2**31 if arg.low is None else int(arg.low)
        high = 2**31 - 1 if arg.high is None else int(arg.high)
        value = self._random.choice((low, high, self._random.randint(low, high)))
        if arg.type == "i":
            return max(-2**31, min(value + self._random.choice((0, 0, 0, 0, 1, -1)), 2**31 - 1))
        return self._random.choice((float(value), self._random.uniform(low, high), float("nan"), float("inf")))

    def _mutated(self) -> bytes:
        """A sound packet with some of its bytes changed, taken out, doubled or cut off."""
        packet = bytearray(self._request() if self._random.random() < 0.8 else self._bundled())
        for _ in range(self._random.randint(1, 6)):
            at = self._random.randrange(len(packet) + 1)
            match self._random.randrange(5):
                case 0:
                    packet[at:at + 1] = self._random.randbytes(1)
                case 1:
                    del packet[at:at + 4 * self._random.randint(1, 3)]
                case 2:
                    packet[at:at] = packet[at:at + 4 * self._random.randint(1, 3)]
                case 3:
                    packet[at - at % 4:at - at % 4 + 4] = struct.pack(">i", self._random.choice((-1, 0, 2**31 - 1, -4, 5)))
                case 4:
                    del packet[at:]
        return bytes(packet)

    def _bundled(self) -> bytes:
        elements = [self._request() for _ in range(self._random.randint(0, 5))]
        return nested(bundle(*elements, time=self._random.choice((NOW, FUTURE))), self._random.choice((0, 0, 1, 3, 7, 8)))

    def _killer(self) -> bytes:
        return self._random.choice(KILLERS)
