"""Whether a timeline's timecode drops frame numbers.

OpenTimelineIO has no place for the drop-frame flag and guesses it from the rate, so it is kept in
the timeline's metadata, where the file said it.
"""

from __future__ import annotations

import opentimelineio as otio

from emsync.timecode import RationalTime, counts_drop_frame, is_drop_frame_rate

__all__ = ["drops_frames", "said_drop_frame", "state_drop_frame_in_place"]

_ABOUT = "emsync_otio"
_DROP_FRAME = "drop_frame"


def state_drop_frame_in_place(timeline: otio.schema.Timeline, drops: bool) -> None:
    """Keep what the file said of its counting."""
    about = dict(timeline.metadata.get(_ABOUT, {}))
    timeline.metadata[_ABOUT] = {**about, _DROP_FRAME: drops}


def said_drop_frame(timeline: otio.schema.Timeline) -> bool | None:
    """What the file said of its counting; None where it said nothing."""
    said = timeline.metadata.get(_ABOUT, {}).get(_DROP_FRAME)
    return said if isinstance(said, bool) else None


def drops_frames(timeline: otio.schema.Timeline, start: RationalTime) -> bool:
    """Whether timecode of this timeline drops numbers: as the file said, else as is likely."""
    said = said_drop_frame(timeline)
    if said is None:
        return counts_drop_frame(start)
    return said and is_drop_frame_rate(start.rate)
