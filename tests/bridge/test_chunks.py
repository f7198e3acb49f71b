"""Clips to messages and back, read by python-osc."""

from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_message import OscMessage

from bridge.chunks import pack_clip
from tests.bridge.conftest import assemble
from vae.notes import PARTS, Clip, Note

notes = st.builds(Note, st.sampled_from(PARTS), st.integers(0, 127), st.integers(0, 1023).map(lambda step: step / 4),
                  st.integers(1, 64).map(lambda steps: steps / 4), st.integers(1, 127))


@given(st.lists(notes, max_size=400), st.integers(1, 2**31 - 1), st.integers(0, 255))
def test_a_clip_arrives_whole_in_messages_of_at_most_1400_bytes(some, rid, index):
    clip = Clip.of(256.0, some)
    packets = pack_clip(clip, index, "a name").messages(rid)
    assert max(map(len, packets)) <= 1400
    messages = [(message.address, message.params) for message in map(OscMessage, packets)]
    assert all(args[0] == rid and args[1] == index for _, args in messages)
    clips = assemble([*messages, ("/vae/done", [rid, "", 1])])
    beats, received, name = clips[index]
    assert (beats, name) == (256.0, "a name")
    assert Clip.of(beats, [Note(*note) for note in received]) == clip


def test_a_chunk_holds_one_part_and_at_most_sixty_notes():
    clip = Clip.of(64.0, [Note(part, 60, at / 4, 0.25, 100) for part in ("lead", "bass", "drums") for at in range(130)])
    packed = pack_clip(clip, 0, "x")
    chunks = [OscMessage(packet).params for packet in packed.messages(1)[1:-1]]
    assert [(chunk[2], chunk[3], (len(chunk) - 4) // 4) for chunk in chunks] == [
        (seq, part, count) for seq, (part, count) in enumerate(
            (part, count) for part in ("lead", "bass", "drums") for count in (60, 60, 10))]
    assert packed.count == 11
