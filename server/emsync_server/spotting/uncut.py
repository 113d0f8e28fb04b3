"""A timeline that shows one film from end to end, as a picture lock is often handed over: the edit
has no cuts to tell, so the film is looked through, as a flat film is.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from emsync.errors import InputError, LimitError, NotFoundError, PathRefusedError
from emsync.picture import Boundary
from emsync.settings import SpotSettings
from emsync.timecode import RationalTime
from emsync_otio import ShotMedia, TimelineEdit
from emsync_server.access import Access
from emsync_server.media import open_film
from emsync_server.progress import Progress
from emsync_server.spotting.films import look

__all__ = ["boundaries_inside"]


def boundaries_inside(
    edit: TimelineEdit, settings: SpotSettings, progress: Progress, access: Access
) -> tuple[Boundary, ...]:
    """Boundaries of the only shot's film, in picture time; none where the edit has its own, or the
    film cannot be read or is played at another speed.
    """
    if edit.boundaries or len(edit.shots) != 1:
        return ()
    (shot,) = edit.shots
    if shot.media is None or shot.source_start is None or shot.speed != 1:
        return ()
    try:
        with open_film(shot.media, access=access, draft=settings.draft) as film:
            seen = look(film, settings, progress)
    except (InputError, NotFoundError, LimitError, PathRefusedError):
        return ()  # said where the film is looked at for its emotion
    shown = ((each, _picture_time(each, shot)) for each in seen.boundaries)
    start, end = shot.record.start, shot.record.end
    return tuple(replace(each, time=time) for each, time in shown if start < time < end)


def _picture_time(boundary: Boundary, shot: ShotMedia) -> RationalTime:
    """The first frame of the timeline that shows the new picture."""
    assert shot.source_start is not None
    rate = shot.record.start.rate
    since_s: Fraction = boundary.time.seconds - shot.source_start.seconds
    return shot.record.start + RationalTime(-(-since_s * rate // 1), rate)
