"""AAF from Avid Media Composer, with what the adapter leaves out: whether its timecode drops."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import aaf2
import opentimelineio as otio

from emsync_otio.clock import exact_rate
from emsync_otio.counting import state_drop_frame_in_place

__all__ = ["read_timeline"]


def read_timeline(path: Path) -> otio.core.SerializableObject:
    """Read with otio-aaf-adapter, and add how the composition counts (2.0.0 keeps no flag)."""
    opened = otio.adapters.read_from_file(str(path))
    timelines = [opened] if isinstance(opened, otio.schema.Timeline) else list(_held(opened))
    if timelines:
        with aaf2.open(str(path), "r") as file:
            counted = [list(_timecodes(mob)) for mob in file.content.toplevel()]
        for timeline in timelines:
            _state_in_place(timeline, [each for mob in counted for each in mob])
    return opened


def _held(opened: otio.core.SerializableObject) -> Iterator[otio.schema.Timeline]:
    if isinstance(opened, otio.schema.SerializableCollection):
        yield from (child for child in opened if isinstance(child, otio.schema.Timeline))


def _timecodes(mob: aaf2.mobs.Mob) -> Iterator[tuple[int, int, bool]]:
    """First frame, nominal rate and drop-frame flag of each timecode track of a composition."""
    for slot in mob.slots:
        segment = slot.segment
        parts = segment.components if isinstance(segment, aaf2.components.Sequence) else [segment]
        for part in parts:
            if isinstance(part, aaf2.components.Timecode):
                drop = part.get("Drop")
                yield part.start, part.fps, bool(drop.value) if drop is not None else False


def _state_in_place(timeline: otio.schema.Timeline, counted: list[tuple[int, int, bool]]) -> None:
    """The flag of the track from which the adapter took the start."""
    start = timeline.global_start_time
    if start is None:
        return
    nominal = round(exact_rate(start.rate))
    for first, per_second, drops in counted:
        if (first, per_second) == (round(start.value), nominal):
            state_drop_frame_in_place(timeline, drops)
            return
