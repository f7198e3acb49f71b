"""The runs themselves. Each takes a running target and returns a `Result` of figures and of what was broken."""

import itertools
import selectors
import socket
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from bridge.client import DaemonClient
from bridge.osc import build_message, read_packet
from bridge.protocol import DEFAULT_HOST, Fail
from bridge.soak.packets import Packets
from bridge.soak.target import START_TIMEOUT, Target, first_model, notes_of
from vae.notes import Clip

Progress = Callable[[float], None]  # called with the share that is done

PING_LIMIT = 0.1  # seconds
PACE = 0.005  # seconds between two bursts of a flood
AT_ONCE = 16  # clients of the memory run, so that their requests share batches as on a busy day
MEMORY_LIMIT = 1.05  # a run may leave the daemon with this many times the memory it began with


@dataclass
class Result:
    """figures: name to value with its unit. broken: promises that were not kept."""

    figures: dict[str, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def add(self, name: str, value: str, kept: bool = True) -> None:
        """Note a figure, and whether it is as promised."""
        self.figures[name] = value
        if not kept:
            self.broken.append(f"{name}: {value}")

    def latencies(self, name: str, seconds: list[float], limit: float | None = None) -> None:
        """Note the quantiles of some latencies."""
        if not seconds:
            self.add(name, "none measured", False)
            return
        quantiles = statistics.quantiles(seconds, n=100) if len(seconds) > 1 else seconds * 99
        worst = max(seconds)
        text = ", ".join(f"{label} {1000 * value:.1f}" for label, value in
                         (("p50", quantiles[49]), ("p95", quantiles[94]), ("p99", quantiles[98]), ("slowest", worst)))
        self.add(name, f"{text} ms ({len(seconds):,} measured)", limit is None or worst < limit)


def _ping(client: DaemonClient, seconds: list[float]) -> bool:
    """Ping once, without repeating; whether it was answered."""
    started = time.monotonic()
    try:
        client.ask("/vae/ping", retry=60.0)
    except TimeoutError:
        return False
    seconds.append(time.monotonic() - started)
    return True


def run_packets(target: Target, count: int, seed: int, progress: Progress) -> Result:
    """Random and broken packets at 10,000 a second, with a ping after every thousand."""
    result, pings, unanswered = Result(), [], 0
    with target.client(2.0) as client, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        model = first_model(client)
        before = notes_of(client, model)
        packets = Packets(seed, (model,))
        sender.connect((DEFAULT_HOST, target.port))
        for number in range(1, count + 1):
            sender.send(packets.next())
            if number % 50 == 0:
                time.sleep(PACE)
            if number % 1000 == 0:
                unanswered += not _ping(client, pings)
                progress(number / count)
        result.add("packets", f"{count:,} (seed {seed})")
        result.add("exits", "0" if target.alive else "1", target.alive)
        result.add("unanswered pings", str(unanswered), unanswered == 0)
        result.latencies("ping", pings, PING_LIMIT)
        _same_after(result, target, model, before)
    return result


def run_flood(target: Target, seconds: float, rate: int, seed: int, progress: Progress) -> Result:
    """`rate` messages a second of every kind for some time, with a client that pings all along."""
    result, pings, unanswered = Result(), [], 0
    with target.client(1.0) as client, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        model = first_model(client)
        before = notes_of(client, model)
        sender.connect((DEFAULT_HOST, target.port))
        packets = Packets(seed, (model,))
        generate = [build_message("/vae/generate", rid, model, 1 + rid % 8, 0.5, rid) for rid in range(1, 500)]
        burst = [build_message("/vae/ping", rid) for rid in range(1, 500)] + generate
        burst += [packets.next() for _ in range(1000)]
        # In the first seconds the kept answers fill up and TensorFlow takes its workspace; what counts is growth after.
        warm, memory = min(5.0, seconds / 4), None
        started, sent = time.monotonic(), 0
        next_ping = started
        while (now := time.monotonic()) < started + seconds:
            while sent < rate * (now - started):
                sender.send(burst[sent % len(burst)])
                sent += 1
            if now >= next_ping:
                unanswered += not _ping(client, pings)
                next_ping = now + 0.05
                progress((now - started) / seconds)
            if memory is None and now >= started + warm:
                memory = target.memory_mb()
            time.sleep(PACE / 5)
        result.add("flood", f"{sent / seconds:,.0f} messages a second for {seconds:g} s")
        result.add("unanswered pings", str(unanswered), unanswered == 0)
        result.latencies("ping", pings)
        _settle(client)
        after = target.memory_mb()
        result.add("memory", f"{memory:.1f} MB after {warm:g} s, {after:.1f} MB at the end", after <= memory * MEMORY_LIMIT)
        _same_after(result, target, model, before)
    return result


def _settle(client: DaemonClient) -> None:
    """Wait until the daemon's queue is empty."""
    while {message.args[1]: message.args[2] for message in client.ask("/vae/status").lines}["queue"]:
        time.sleep(0.2)


def _same_after(result: Result, target: Target, model: str, before: list[Clip]) -> None:
    with target.client(START_TIMEOUT) as client:
        _load(client, model)  # unloading it may have been among the requests
        same = notes_of(client, model) == before
    result.add("clips afterwards", "the same" if same else "others", same)


def _load(client: DaemonClient, model: str) -> None:
    """Load a model, waiting while others load."""
    while True:
        try:
            client.ask("/vae/load", model)
            return
        except Fail as fail:
            if fail.code != "busy":
                raise
            time.sleep(0.5)


@dataclass
class _Morpher:
    """One of the clients that morph; `asked` holds when each rid was sent."""

    client: DaemonClient
    sock: socket.socket
    rid: int = 1000
    asked: dict[int, float] = field(default_factory=dict)


def run_morphs(target: Target, clients: int, rate: float, seconds: float, progress: Progress) -> Result:
    """Many clients that morph at a steady rate, while another has clips generated."""
    result, round_trips, generated = Result(), [], []
    counts = {"done": 0, "cancelled": 0, "other": 0}
    with target.client() as generator:
        model = first_model(generator)
        morphers = [_start_morpher(target, model) for _ in range(clients)]
        selector = selectors.DefaultSelector()
        for morpher in morphers:
            selector.register(morpher.sock, selectors.EVENT_READ, morpher)
        beside = _Generator(target, model)
        selector.register(beside.sock, selectors.EVENT_READ, beside)
        started, turn = time.monotonic(), 0
        end = started + seconds
        while (now := time.monotonic()) < end + 0.5:
            while now < end and turn <= (now - started) * rate * clients:
                _send_morph(morphers[turn % clients], target.port, turn)
                turn += 1
            for key, _ in selector.select(0.0005):
                if isinstance(key.data, _Morpher):
                    _read_morphs(key.data, round_trips, counts)
                else:
                    beside.read(generated)
            progress(min(1.0, (now - started) / seconds))
        lost = sum(len(morpher.asked) for morpher in morphers)
        result.add("morphs", f"{turn:,} by {clients} clients, {rate:g} a second each")
        result.add("answered", f"{counts['done']:,}, cancelled by newer ones {counts['cancelled']:,}, "
                               f"other fails {counts['other']:,}", counts["other"] == 0)
        result.add("unanswered", str(lost), lost == 0)
        result.latencies("round trip", round_trips)
        result.latencies("generate beside it", generated)
        for morpher in morphers:
            morpher.client.close()
        beside.sock.close()
    return result


def _start_morpher(target: Target, model: str) -> _Morpher:
    client = target.client()
    reply = client.ask("/vae/generate", model, 2, 0.5, 1)
    for index, name in enumerate("ab"):
        client.upload(name, reply.clips[index].clip())
    client.ask("/vae/grid", model, "g", 8, 1, "a", "b", 0.0, 1)
    return _Morpher(client, client.socket)


def _send_morph(morpher: _Morpher, port: int, turn: int) -> None:
    morpher.rid += 1
    morpher.asked[morpher.rid] = time.monotonic()
    message = build_message("/vae/morph", morpher.rid, "g", turn % 97 / 96, 0.0)
    morpher.sock.sendto(message, (DEFAULT_HOST, port))


def _read_morphs(morpher: _Morpher, round_trips: list[float], counts: dict[str, int]) -> None:
    packet = morpher.sock.recv(65535)
    if not packet.startswith((b"/vae/done", b"/vae/fail")):
        return
    message = read_packet(packet)[0]
    asked = morpher.asked.pop(message.args[0], None)
    if asked is None:
        return
    if message.address == "/vae/done":
        counts["done"] += 1
        round_trips.append(time.monotonic() - asked)
    else:
        counts["cancelled" if message.args[2] == "cancelled" else "other"] += 1


class _Generator:
    """Asks for eight clips, and for eight more when they are done."""

    def __init__(self, target: Target, model: str):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.connect((DEFAULT_HOST, target.port))
        self._model = model
        self._rid = 0
        self._ask()

    def _ask(self) -> None:
        self._rid += 1
        self._asked = time.monotonic()
        self.sock.send(build_message("/vae/generate", self._rid, self._model, 8, 0.5, self._rid))

    def read(self, seconds: list[float]) -> None:
        """Read one packet; note how long the request took if that was its end, and ask again."""
        if self.sock.recv(65535).startswith((b"/vae/done", b"/vae/fail")):
            seconds.append(time.monotonic() - self._asked)
            self._ask()


def run_memory(target: Target, requests: int, loads: int, progress: Progress) -> Result:
    """Many requests of every kind, several at a time, and many loads and unloads; memory is read along the way."""
    result = Result()
    with target.client(60.0) as client:
        model = first_model(client)
        readings = {"after 10% of the requests": 0.0}
        numbers, drawing = iter(range(requests)), threading.Lock()

        def ask(_: int) -> None:
            with target.client(60.0) as asking:
                for turn in itertools.count():
                    with drawing:
                        number = next(numbers, None)
                        if number is None:
                            return
                        if number == requests // 10:
                            readings["after 10% of the requests"] = target.memory_mb()
                        progress(0.5 * (number + 1) / requests)
                    _any_request(asking, model, turn, seed=number)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            try:
                list(pool.map(ask, range(AT_ONCE)))
            finally:
                deque(numbers, 0)  # after Ctrl-C, and when one of them fails, the others end too
        readings["after all requests"] = target.memory_mb()
        for number in range(loads):
            client.ask("/vae/unload", model)
            client.ask("/vae/load", model)
            if number == loads // 10:
                readings["after 10% of the loads"] = target.memory_mb()
            progress(0.5 + 0.5 * (number + 1) / loads)
        readings["after all loads"] = target.memory_mb()
    result.add("run", f"{requests:,} requests, {loads} loads and unloads")
    for name, value in readings.items():
        result.add(name, f"{value:.1f} MB")
    _growth(result, readings, "after 10% of the requests", "after all requests", requests)
    _growth(result, readings, "after 10% of the loads", "after all loads", loads)
    return result


def _growth(result: Result, readings: dict[str, float], first: str, last: str, count: int) -> None:
    if not count:
        return
    growth = readings[last] / readings[first]
    result.add(f"growth from {first} to {last.removeprefix('after ')}", f"{100 * (growth - 1):+.1f}%", growth <= MEMORY_LIMIT)


def _any_request(client: DaemonClient, model: str, turn: int, seed: int) -> None:
    kind = turn % 50
    if kind == 0:
        # As dense as can be: a model may well make a clip without notes, which no request could start from.
        client.upload("a", client.ask("/vae/generate", model, 1, 0.5, seed, "density", 1.0).clips[0].clip())
    elif kind == 1:
        client.ask("/vae/grid", model, "g", 3, 3, "a", "a", 0.0, seed)
    elif kind < 10:
        client.ask("/vae/generate", model, 1, 0.5, seed)
    elif kind < 14:
        client.ask("/vae/vary", model, "a", 2, 0.5, 0.5, seed)
    elif kind < 30:
        client.ask("/vae/morph", "g", turn % 10 / 10, 0.5)
    elif kind < 40:
        client.ask("/vae/ping")
    else:
        try:
            client.ask("/vae/generate", model, 0, 0.5, seed)
        except Fail:
            pass


def run_restart(target_options: tuple[str, ...], progress: Progress) -> Result:
    """A daemon killed and started again on its port, seen by a client that pings and says hello when nothing comes."""
    result = Result()
    with Target(*target_options) as first:
        first.wait_ready()
        port = first.port
        with first.client(0.2) as client:
            client.hello("soak")
            model = first_model(client)
            first.kill()
            killed = time.monotonic()
            progress(0.3)
            with Target(*target_options, port=port) as second:
                while True:
                    try:
                        client.hello("soak")
                        break
                    except (TimeoutError, OSError):
                        continue
                back = time.monotonic() - killed
                result.add("hello answered after kill -9", f"{back:.2f} s, the start of the process included", back < 3.0)
                with second.client(START_TIMEOUT) as patient:
                    patient.ask("/vae/generate", model, 1, 0.5, 1)
                result.add("first clip after kill -9", f"{time.monotonic() - killed:.2f} s")
    progress(1.0)
    return result

