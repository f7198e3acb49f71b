"""Pacing over real sockets: nothing is lost by receivers such as Max's."""

import socket
import time

import pytest

from bridge.outbox import MAX_WAITING, Outbox


@pytest.fixture
def timed():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        yield Timed(sock)


@pytest.fixture
def outbox(timed):
    box = Outbox(timed)
    yield box
    box.close(1.0)


def receiver(buffer=None):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    sock.bind(("127.0.0.1", 0))
    return sock


DEFAULT_BUFFER = 212_992  # Linux's net.core.rmem_default


class Timed:
    """A socket that sends, and notes when it sent what: what a receiver loses depends on that, and on how it reads. The
    reading is followed on paper, since on a busy machine a reader of the test's own would be late itself."""

    def __init__(self, sock):
        self._sock, self.sent = sock, []

    def sendto(self, packet, to):
        self._sock.sendto(packet, to)
        self.sent.append((time.monotonic(), packet))

    def most_between_reads(self, weight, every=0.02):
        """The most that comes in between two reads, whenever the reads are."""
        most = waiting = first = 0
        for when, packet in self.sent:
            waiting += weight(packet)
            while self.sent[first][0] <= when - every:
                waiting -= weight(self.sent[first][1])
                first += 1
            most = max(most, waiting)
        return most


def number(index, size):
    return index.to_bytes(4, "big") * (size // 4)


def send_all(clips, answers):
    """What a `Timed` socket sent of them, once all is sent."""
    heard = receiver(4 << 20)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        timed = Timed(sock)
        box = Outbox(timed)
        box.clips(heard.getsockname(), clips)
        for packet in answers:
            box.answer(heard.getsockname(), packet)
        box.close(20.0)
    first = set(clips)
    assert [packet for _, packet in timed.sent if packet in first] == clips
    assert [packet for _, packet in timed.sent if packet not in first] == answers
    return timed


def room(size):
    """How many packets of a size a socket with Linux's default buffer holds."""
    sock = receiver(DEFAULT_BUFFER // 2)  # Linux doubles what it is asked for
    sock.setblocking(False)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(DEFAULT_BUFFER // 512):
            sender.sendto(bytes(size), sock.getsockname())
    count = 0
    try:
        while sock.recv(2000) is not None:
            count += 1
    except BlockingIOError:
        return count


@pytest.mark.parametrize("size", [40, 1400])
def test_a_receiver_that_queues_512_and_drains_every_20_ms_loses_none(size):
    packets = [number(index, size) for index in range(3000)]
    assert 100 < send_all(packets[:1500], packets[1500:]).most_between_reads(lambda packet: 1) <= 512


@pytest.mark.parametrize("size", [40, 180, 200, 640, 660, 1000, 1400])
def test_a_socket_with_the_default_buffer_read_every_20_ms_loses_no_clip(size):
    most = send_all([number(index, size) for index in range(600)], []).most_between_reads(lambda packet: 1)
    assert 40 < most <= room(size)


def test_messages_of_one_kind_keep_their_order_and_answers_overtake_clips(outbox, timed):
    sock = receiver(4 << 20)
    clips = [number(index, 1000) for index in range(500)]
    outbox.clips(sock.getsockname(), clips)
    before = len(timed.sent)
    outbox.answer(sock.getsockname(), b"ping")
    sock.settimeout(5)
    heard = [sock.recv(2000) for _ in range(501)]
    assert [packet for packet in heard if packet != b"ping"] == clips
    assert heard.index(b"ping") - before < 100


def test_one_slow_receiver_does_not_hold_up_another(outbox, timed):
    slow, other = receiver(), receiver()
    outbox.clips(slow.getsockname(), [number(index, 1400) for index in range(3000)])
    before = len(timed.sent)
    outbox.answer(other.getsockname(), b"ping")
    other.settimeout(2)
    assert other.recv(100) == b"ping"
    assert [packet for _, packet in timed.sent].index(b"ping") - before < 100


def test_it_forgets_whom_it_has_nothing_for(outbox):
    sock = receiver(4 << 20)
    for port in range(1024, 3024):
        outbox.answer(("127.0.0.1", port), b"nobody")
    outbox.clips(sock.getsockname(), [number(index, 1000) for index in range(100)])
    end = time.monotonic() + 5
    while outbox._destinations and time.monotonic() < end:
        time.sleep(0.02)
    assert not outbox._destinations
    before = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - before < 0.05, "its thread sleeps when there is nothing to send"


def test_at_the_end_every_request_gets_its_end_though_time_is_short():
    sock = receiver(4 << 20)
    sock.settimeout(2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        box = Outbox(sender)
        for rid in range(3):
            box.clips(sock.getsockname(), [*(number(index, 1400) for index in range(1000)), b"/vae/done\0%d" % rid])
        box.close(0.1)
    ends = []
    while len(ends) < 3:
        packet = sock.recv(2000)
        if packet.startswith(b"/vae/done"):
            ends.append(packet)
    assert ends == [b"/vae/done\0%d" % rid for rid in range(3)]


def test_it_says_of_which_kind_too_much_waits_and_when_nothing_does(outbox):
    sock = receiver()
    outbox.clips(sock.getsockname(), [b"abcd"] * (MAX_WAITING + 200))
    assert outbox.crowded(sock.getsockname(), clips=True) and not outbox.crowded(sock.getsockname(), clips=False)
    for _ in range(4 * MAX_WAITING):  # some go out meanwhile
        outbox.answer(sock.getsockname(), b"abcd")
    assert outbox.crowded(sock.getsockname(), clips=False)
    end = time.monotonic() + 20
    while outbox.waiting(sock.getsockname()) and time.monotonic() < end:
        time.sleep(0.02)
    assert not outbox.waiting(sock.getsockname())
