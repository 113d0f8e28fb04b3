"""A host's timeline, and a studio whose server is not there, for tests of what hosts share."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from tests.hosts.fake_studio import FakeClient

from emsync.hosting import (
    ClipKind,
    HostClip,
    HostMarker,
    HostTimeline,
    HostTrack,
    HostTransition,
    Studio,
    TrackKind,
)

RATES = [
    pytest.param(Fraction(24_000, 1001), id="23.976"),
    pytest.param(Fraction(24), id="24"),
    pytest.param(Fraction(25), id="25"),
    pytest.param(Fraction(30_000, 1001), id="29.97"),
    pytest.param(Fraction(30), id="30"),
    pytest.param(Fraction(50), id="50"),
    pytest.param(Fraction(60_000, 1001), id="59.94"),
    pytest.param(Fraction(60), id="60"),
]


def quiet(fraction: float, note: str) -> None:
    """Nobody watches."""


def studio() -> Studio:
    return Studio(FakeClient())  # type: ignore[arg-type]


def cut(rate: Fraction = Fraction(24), film: Path | None = None) -> HostTimeline:
    """Three shots with a dissolve, a title above, sound, a marker; starts at an hour."""
    media = str(film) if film else None
    shots = (
        HostClip("a", 0, 48, media=media),
        HostClip("b", 48, 48, media=media, source_start_s=2.0),
        HostClip("c", 96, 48, media=media, speed=0.5),
    )
    dissolve = HostTransition(96, 6, 6)
    title = HostClip("title", 50, 20, ClipKind.TITLE)
    return HostTimeline(
        "Reel 1",
        rate,
        144,
        start_frames=86_400,
        tracks=(
            HostTrack("V1", TrackKind.PICTURE, shots, (dissolve,)),
            HostTrack("V2", TrackKind.PICTURE, (title,)),
            HostTrack("A1", TrackKind.SOUND, (HostClip("talk", 0, 144, media=media),)),
        ),
        markers=(HostMarker(24, "hit door"),),
    )
