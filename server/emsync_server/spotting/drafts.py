"""A draft of the cuts: from what the encoder wrote, without decoding the film.

An encoder puts a keyframe where the picture is new; where the last one is too near for another, it
writes a frame that looks at no other, or one many times larger than its neighbours. Flags, sizes
and first bits of all packets cost a hundredth of decoding. The keyframes are decoded for their
light and colours anyway: those that look like the one before are left out. Gradual changes are not
seen.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from emsync_server.media import PacketLog

__all__ = ["drafted_cuts"]

NEIGHBOURS = 8
"""Packets before and after that a packet's size is compared with."""
LARGER, LARGER_THAN_ANY = 2.5, 1.3
"""A cut's packet is so many times larger than its neighbours' median, and than any of them."""
LEAST_OF_KEYFRAME = 0.4
"""... and has at least this share of the usual keyframe's bytes."""
LEAST_DIFFERENCE = 0.25
"""Pictures of one shot correlate better than 1 less this."""
BESIDE = 2
"""Frames: nearer to a keyframe, a large packet belongs to the same change."""
FEWEST_REGULAR = 2
"""So many keyframes at the longest distance of all: the encoder counts frames there."""


def drafted_cuts(
    packets: PacketLog, first_pts: int, keyframes: Mapping[int, NDArray[np.uint8]]
) -> list[int]:
    """Ticks since the first frame of the likely cuts, in order. keyframes: luma, small, by tick."""
    order = np.argsort(np.frombuffer(packets.ticks, np.int64), kind="stable")
    ticks = np.frombuffer(packets.ticks, np.int64)[order] - first_pts
    sizes = np.frombuffer(packets.sizes, np.int64)[order].astype(np.float64)
    keys = np.frombuffer(packets.keys, np.int8)[order].astype(bool)
    anew = np.frombuffer(packets.drawn_anew, np.int8).astype(bool)
    anew = anew[order] if len(anew) else np.zeros(len(order), bool)
    found = _new_keyframes(ticks, keys, keyframes) + _drawn_anew(ticks, keys, anew)
    found += _large_packets(ticks, sizes, keys | anew)
    return sorted(tick for tick in found if tick > 0)


def _new_keyframes(
    ticks: NDArray[np.int64], keys: NDArray[np.bool_], pictures: Mapping[int, NDArray[np.uint8]]
) -> list[int]:
    """Keyframes that came before they were due, and look new."""
    places = np.flatnonzero(keys)
    if len(places) < 2:
        return []
    gaps = np.diff(places)
    due = _due(gaps)
    return [
        int(ticks[place])
        for place, gap, before in zip(places[1:], gaps, places, strict=False)
        if gap < due - 1
        and _look_new(pictures.get(int(ticks[before])), pictures.get(int(ticks[place])))
    ]


def _due(gaps: NDArray[np.int64]) -> int:
    """Frames after which an encoder that counts them writes the next one."""
    longest = int(gaps.max())
    return longest if (gaps >= longest - 1).sum() >= FEWEST_REGULAR else longest + 2


def _drawn_anew(
    ticks: NDArray[np.int64], keys: NDArray[np.bool_], anew: NDArray[np.bool_]
) -> list[int]:
    """Frames that look at no other, before one was due; not beside a keyframe."""
    places = np.flatnonzero(keys | anew)
    if len(places) < 2:
        return []
    gaps = np.diff(places)
    due = _due(gaps)
    return [
        int(ticks[place])
        for place, gap in zip(places[1:], gaps, strict=True)
        if anew[place] and BESIDE < gap < due - 1
    ]


def _look_new(before: NDArray[np.uint8] | None, after: NDArray[np.uint8] | None) -> bool:
    if before is None or after is None:
        return True
    one, other = (each.astype(np.float64).ravel() - each.mean() for each in (before, after))
    alike = float(one @ other) / max(1.0, float(np.linalg.norm(one) * np.linalg.norm(other)))
    return alike < 1 - LEAST_DIFFERENCE


def _large_packets(
    ticks: NDArray[np.int64], sizes: NDArray[np.float64], keys: NDArray[np.bool_]
) -> list[int]:
    """Other frames that are as large as if nothing in them were known. keys: those, and frames that
    look at no other"""
    between = np.where(keys, np.nan, sizes)
    usual = float(np.median(sizes[keys])) if keys.any() else 0.0
    places, found = np.flatnonzero(keys), []
    for at in np.flatnonzero(between > LEAST_OF_KEYFRAME * usual):
        if len(places) and np.abs(places - at).min() <= BESIDE:
            continue
        around = np.delete(
            between[max(0, at - NEIGHBOURS) : at + NEIGHBOURS + 1], min(int(at), NEIGHBOURS)
        )
        around = around[~np.isnan(around)]
        if not len(around) or sizes[at] > max(
            LARGER * float(np.median(around)), LARGER_THAN_ANY * float(around.max())
        ):
            found.append(int(ticks[at]))
    return found
