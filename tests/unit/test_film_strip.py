"""The stills above the emotion curve: of a film, and of the media that a timeline shows."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from films_of_known_times import write_film
from tests.timelines import R24, clip, saved, timeline, track

from emsync.cue import CueSheet
from emsync.emotion import ShotNotes
from emsync.picture import PictureInfo
from emsync.timecode import RationalTime, TimeRange
from emsync_server.evaluation.film_strip import Still, film_strip

GREYS = (40, 120, 200)
"""Of the media's seconds."""


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("media") / "media.mp4"
    images = [np.full((64, 96, 3), grey, np.uint8) for grey in GREYS for _ in range(24)]
    write_film(path, range(72), images=images)
    return path


def sheet_of(source: Path, *shots_s: tuple[float, float]) -> CueSheet:
    ranges = [
        TimeRange(RationalTime(round(start * 24), R24), RationalTime(round(length * 24), R24))
        for start, length in shots_s
    ]
    length = ranges[-1].start + ranges[-1].duration
    picture = PictureInfo(str(source), Fraction(24), length, RationalTime(0, R24))
    return CueSheet(picture, (), (), tuple(ShotNotes(each, (), (), (), "") for each in ranges))


def grey(still: Still) -> float:
    return float(np.median(still.bgr))


def test_a_film_shows_the_middle_of_each_shot(media: Path):
    stills = film_strip(sheet_of(media, (0, 1), (1, 1), (2, 1)))
    assert [still.start_s for still in stills] == [0, 1, 2]
    assert [grey(still) for still in stills] == pytest.approx(GREYS, abs=4)


def test_a_timeline_shows_what_its_clips_show_and_nothing_of_what_is_offline(media: Path):
    last_first = timeline(
        track(
            clip("last", 24, R24, start=48, media=str(media)),
            clip("gone", 24, R24, media=str(media.with_name("gone.mp4"))),
            clip("first", 24, R24, start=0, media=str(media)),
        )
    )
    path = saved(last_first, media.with_name("edit.otio"))
    stills = film_strip(sheet_of(path, (0, 1), (1, 1), (2, 1)))
    assert [still.start_s for still in stills] == [0, 2]
    assert [grey(still) for still in stills] == pytest.approx((GREYS[2], GREYS[0]), abs=4)


def test_the_strip_of_a_timeline_that_is_gone_is_empty(media: Path):
    assert film_strip(sheet_of(media.with_name("no.otio"), (0, 1))) == []
