"""Out and in again is the same: any edit, at every rate, in every format that we write."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.timelines import clip, dissolve, gap, marker, timeline, track

from emsync_otio.counting import state_drop_frame_in_place
from emsync_otio.fcpxml_writing import document_of
from emsync_otio.keeping import Aspect, lost_aspects
from emsync_otio.opening import open_timeline
from emsync_otio.saving import save_timeline

NTSC = Fraction(1000, 1001)
RATES = {
    "23.976": (24 * NTSC, False),
    "24": (Fraction(24), False),
    "25": (Fraction(25), False),
    "29.97 NDF": (30 * NTSC, False),
    "29.97 DF": (30 * NTSC, True),
    "30": (Fraction(30), False),
    "50": (Fraction(50), False),
    "59.94 NDF": (60 * NTSC, False),
    "59.94 DF": (60 * NTSC, True),
    "60": (Fraction(60), False),
}
ALWAYS = {
    *(Aspect.CUTS, Aspect.KINDS, Aspect.SOURCES, Aspect.MEDIA, Aspect.SPEEDS, Aspect.FREEZES),
    *(Aspect.SWITCHED_OFF, Aspect.SOUND, Aspect.MARKERS, Aspect.START, Aspect.COUNTING),
}
NOT_IN = {
    ".kdenlive": {Aspect.START, Aspect.COUNTING},
    ".xges": {Aspect.FREEZES, Aspect.SWITCHED_OFF, Aspect.MEDIA, Aspect.SOURCES},
}
"""Kdenlive has no start timecode; GES knows no stills of a film, and leaves out what is off."""


@st.composite
def edits(draw: st.DrawFn, rate: Fraction, drops: bool) -> otio.schema.Timeline:
    """Two picture tracks and a sound track with clips, gaps, speeds and transitions."""
    rows = []
    for kind, name in (("Video", "V1"), ("Video", "V2"), ("Audio", "A1")):
        items: list[otio.core.Composable] = []
        for number in range(draw(st.integers(1, 5))):
            length = draw(st.integers(30, 90))
            if draw(st.integers(0, 4)) == 0 or (name == "V2" and not number):
                items.append(gap(length, rate))
                continue
            media = f"/films/{draw(st.sampled_from('abc'))}%20é.mov"
            made = clip(f"{name} {number}", length, rate, start=20, media=media)
            # A marker of the timeline becomes one of the clip below it in FCPXML; off, it is none.
            made.enabled = number == 0 or draw(st.integers(0, 5)) > 0
            speed = draw(st.sampled_from([1, 1, 1, 2, 0.5, 0])) if kind == "Video" else 1
            if speed == 0:
                made.effects.append(otio.schema.FreezeFrame())
            elif speed != 1:
                made.effects.append(otio.schema.LinearTimeWarp(time_scalar=speed))
            joins = (
                kind == "Video"
                and items
                and isinstance(items[-1], otio.schema.Clip)
                and items[-1].enabled
                and made.enabled
                and draw(st.booleans())
            )
            if joins:
                half = draw(st.integers(1, 8))
                items.append(dissolve(half, half, rate, draw(st.sampled_from(["", "Wipe"]))))
            items.append(made)
        rows.append(track(*items, kind=kind, name=name))
    hour = 107_892 if drops and rate < 31 else 215_784 if drops else round(3600 * rate)
    made = timeline(*rows, rate=rate, start=hour)
    made.tracks.markers.append(marker("door", draw(st.integers(0, 29)), rate))
    state_drop_frame_in_place(made, drops)
    return made


def has_picture(made: otio.schema.Timeline) -> bool:
    rows = [row for row in made.tracks if row.kind == "Video"]
    return any(each.enabled for row in rows for each in row.find_clips())


@pytest.mark.parametrize("suffix", [".otio", ".fcpxml", ".xml", ".kdenlive", ".xges"])
@pytest.mark.parametrize(("rate", "drops"), RATES.values(), ids=RATES)
def test_a_timeline_comes_back_as_it_was(rate: Fraction, drops: bool, suffix: str):
    @settings(max_examples=4, deadline=None, phases=[Phase.explicit, Phase.generate])
    @given(edits(rate, drops).filter(has_picture))
    def check(made: otio.schema.Timeline) -> None:
        lost: list[Aspect] = []
        with tempfile.TemporaryDirectory() as folder:
            save_timeline(
                made,
                Path(folder) / f"out{suffix}",
                lambda reread: lost.extend(lost_aspects(made, reread, rate)),
                rate=rate,
            )
        assert (set(lost) & ALWAYS) - NOT_IN.get(suffix, set()) == set()

    check()


@pytest.mark.parametrize("version", ["1.8", "1.9", "1.10", "1.11"])
def test_every_version_of_fcpxml_is_read_back(version: str, tmp_path: Path):
    rate = 24 * NTSC
    made = timeline(
        track(clip("a", 40, rate, media="/a.mov"), clip("b", 40, rate, media="/b.mov")), rate=rate
    )
    path = tmp_path / "cut.fcpxml"
    path.write_bytes(document_of(made, rate, version))
    text = path.read_text()
    assert f'<fcpxml version="{version}">' in text
    assert ("<media-rep" in text) == (version != "1.8")
    assert 'frameDuration="1001/24000s"' in text
    assert lost_aspects(made, open_timeline(path), rate) == ()
