"""Putting a cue sheet together from what was found."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from emsync.cue import Cue, CueSheet, Hit
from emsync.emotion import EmotionCurve
from emsync.picture import Boundary, PictureInfo
from emsync.settings import SpotSettings
from emsync.timecode import RationalTime, TimeRange
from emsync_server.spotting.hits import select_hits

__all__ = ["cue_name_of", "sheet_of"]

LONGEST_NAME = 60
UNFIT_FOR_NAMES = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')
"""What no file system takes, or only some: a cue's name becomes a folder's."""
DEVICE_NAMES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)


def sheet_of(
    picture: PictureInfo,
    boundaries: Sequence[Boundary],
    markers: Sequence[Hit],
    emotion: EmotionCurve,
    settings: SpotSettings,
    *,
    lock: bool = True,
) -> CueSheet:
    """One cue over the whole picture, with the hits that spotting selects; those at boundaries
    locked or not."""
    duration = picture.duration
    hits = select_hits(boundaries, markers, emotion, duration, settings.min_spacing_s, lock=lock)
    whole = TimeRange(RationalTime(0, duration.rate), duration)
    cue = Cue(cue_name_of(Path(picture.source)), whole, hits, emotion, settings.brief)
    written = (replace(each, strength=round(each.strength, 4)) for each in boundaries)
    return CueSheet(picture, tuple(written), (cue,))


def cue_name_of(source: Path) -> str:
    """The source's name as a cue's: without suffix, and without what a file name cannot hold."""
    name = UNFIT_FOR_NAMES.sub(" ", source.stem).strip(" .")[:LONGEST_NAME].strip(" .")
    return f"cue {name}".strip() if not name or DEVICE_NAMES.fullmatch(name) else name
