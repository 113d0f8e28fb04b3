"""Which frames an H.264 encoder drew anew, read from the first bits of their slices.

Where the picture is new but the last keyframe is too near for another, encoders write a frame that
looks at no other one, and do not flag it: frames after it may look at those before. ITU-T H.264
(08/2021), 7.3.1, 7.3.3 and 7.4.3: a slice begins with `first_mb_in_slice` and `slice_type`, in
exponential Golomb codes, which for the first I slice of a picture are `1` and `011` or `0001000`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

__all__ = ["drawn_anew"]

SLICE = 1
"""Type of a unit with a slice of a picture that is no keyframe."""
SOME_I, ALL_I = 0b1011, 0b1000_1000
START = b"\0\0\1"
FAR = 512
"""Bytes. A slice begins within so many; what comes before it is small."""


def drawn_anew(codec: str, extradata: bytes | None) -> Callable[[memoryview], bool] | None:
    """What tells of a packet of a stream, that is no keyframe, whether its frame looks at no other.
    None: of this codec that is not known."""
    if codec != "h264":
        return None
    if extradata and extradata[0] == 1 and len(extradata) > 4:  # avcC: units with their lengths
        length_bytes = (extradata[4] & 3) + 1
        return lambda packet: _begins_anew(packet, _with_lengths(packet, length_bytes))
    return lambda packet: _begins_anew(packet, _with_start_codes(packet))


def _begins_anew(packet: memoryview, units: Iterator[int]) -> bool:
    """Whether the first slice is an I slice. units: where each begins"""
    for at in units:
        if packet[at] & 31 == SLICE:
            first = packet[at + 1]
            return first >> 4 == SOME_I or first == ALL_I
    return False


def _with_lengths(packet: memoryview, length_bytes: int) -> Iterator[int]:
    at = 0
    while at + length_bytes + 1 < len(packet):
        yield at + length_bytes
        at += length_bytes + int.from_bytes(packet[at : at + length_bytes], "big")


def _with_start_codes(packet: memoryview) -> Iterator[int]:
    beginning = bytes(packet[:FAR])
    at = beginning.find(START)
    while at >= 0 and at + len(START) + 1 < len(beginning):
        yield at + len(START)
        at = beginning.find(START, at + len(START))
