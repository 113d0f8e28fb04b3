"""Frames that look at no other are told from a packet's first bits, as the decoder tells them."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.video.frame import PictureType

from emsync_server.media import open_film
from emsync_server.media.slices import drawn_anew

AVCC = bytes((1, 100, 0, 31, 0xFF))
P_SLICE, I_SLICE, ALL_I, B_SLICE = 0b1_00110_00, 0b1_011_0000, 0b1_0001000, 0b1_010_0000
SLICE, KEY_SLICE, SEI = 0x41, 0x65, 0x06


def write_shots(path: Path, lengths: list[int]) -> None:
    """Shots of slow, rough places, by x264, which puts keyframes 25 frames apart at least."""
    random = np.random.default_rng(5)
    with av.open(str(path), "w") as film:
        options = {"preset": "veryfast", "g": "250", "keyint_min": "25"}
        stream = film.add_stream("libx264", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 128, 72, "yuv420p"
        for length in lengths:
            noise = random.normal(0, 1, (72, 256, 3)).astype(np.float32)
            place = cv2.GaussianBlur(noise, (0, 0), 2)
            place = (place / place.std() * 50 + 128).clip(0, 255).astype(np.uint8)
            for at in range(length):
                seen = np.ascontiguousarray(place[:, at : at + 128])
                film.mux(stream.encode(av.VideoFrame.from_ndarray(seen, format="rgb24")))
        film.mux(stream.encode(None))


def decoders_word(path: Path) -> set[int]:
    """When the frames are shown that look at no other and are no keyframes."""
    with av.open(str(path)) as film:
        return {
            frame.pts
            for frame in film.decode(video=0)
            if frame.pict_type == PictureType.I and not frame.key_frame
        }


@pytest.mark.parametrize("container", ["mp4", "mkv", "ts"])
def test_frames_drawn_anew_are_those_that_the_decoder_names(tmp_path, container):
    path = tmp_path / f"film.{container}"
    write_shots(path, [60, 22, 40, 22, 40, 22, 30])
    with open_film(path, draft=True) as film:
        for _ in film.frames():
            pass
        log = film.packets
    told = {tick for tick, anew in zip(log.ticks, log.drawn_anew, strict=True) if anew}
    assert told == decoders_word(path)
    assert len(told) == 3


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        ([(SLICE, I_SLICE)], True),
        ([(SLICE, ALL_I)], True),
        ([(SEI, I_SLICE), (SLICE, ALL_I)], True),
        ([(SEI, I_SLICE), (SLICE, P_SLICE)], False),
        ([(SLICE, P_SLICE), (SLICE, ALL_I)], False),
        ([(SLICE, B_SLICE)], False),
        ([(KEY_SLICE, ALL_I)], False),
        ([], False),
    ],
    ids=["I", "all I", "after a message", "P", "first slice P", "B", "keyframe", "empty"],
)
def test_the_first_slice_tells(units, expected):
    bodies = [bytes((kind, first, 0x80, 0x80)) for kind, first in units]
    with_lengths = b"".join(len(body).to_bytes(4, "big") + body for body in bodies)
    with_codes = b"".join(b"\0\0\0\1" + body for body in bodies)
    for extradata, packet in ((AVCC, with_lengths), (None, with_codes), (b"\0\0\0\1g", with_codes)):
        tell = drawn_anew("h264", extradata)
        assert tell is not None
        assert tell(memoryview(packet)) is expected
        for end in range(len(packet)):  # a truncated packet is no error
            tell(memoryview(packet)[:end])


def test_lengths_that_lie_are_no_error():
    tell = drawn_anew("h264", AVCC)
    assert tell is not None
    for lie in (0, 1, 2**32 - 1):
        assert tell(memoryview(lie.to_bytes(4, "big") + bytes((SEI, 0, 0)) * 20)) is False


def test_of_other_codecs_nothing_is_known():
    assert drawn_anew("vp8", None) is None
