"""Final Cut Pro's clips that hold clips: synchronised, multicam, compound; retimed or not."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.test_timeline_fcpxml import cuts, fcpxml

from emsync_otio import read_edit

FIRST = '<asset-clip ref="a1" offset="3600s" duration="5s"/>'
HALVES = (
    '<asset-clip ref="a1" offset="{}s" duration="2s"/>'
    '<asset-clip ref="a1" offset="{}s" duration="20s"/>'
)
TWICE = '<timeMap><timept time="0s" value="{}s"/><timept time="5s" value="{}s"/></timeMap>'
HALF = '<timeMap><timept time="0s" value="0s"/><timept time="40s" value="20s"/></timeMap>'
COMPOUND = (
    '<media id="c1"><sequence format="r1" duration="10s" tcStart="3600s"><spine>'
    '<asset-clip ref="a1" offset="3600s" duration="4s"/>'
    '<asset-clip ref="a1" offset="3604s" duration="6s"/></spine></sequence></media>'
)
MULTICAM = (
    '<media id="m1"><multicam format="r1" tcStart="0s"><mc-angle name="1" angleID="x">'
    f'{HALVES.format(1, 3)}</mc-angle><mc-angle name="2" angleID="y">'
    '<asset-clip ref="a1" offset="0s" duration="30s"/></mc-angle></multicam></media>'
)


def sync(body: str, start: int = 10, length: int = 4) -> str:
    return f'<sync-clip offset="3605s" start="{start}s" duration="{length}s">{body}</sync-clip>'


def compound(inside: str, about: str = 'start="0s" duration="5s"') -> str:
    return f'<ref-clip ref="c1" offset="3605s" {about}>{inside}</ref-clip>'


def multicam(inside: str) -> str:
    return f'<mc-clip ref="m1" offset="3605s" start="2s" duration="4s">{inside}</mc-clip>'


GROUPS = {
    "synchronised clips one after another": (sync(HALVES.format(10, 12)), [125, 175]),
    "synchronised clips in a storyline": (
        sync(f"<spine>{HALVES.format(10, 12)}</spine><sync-source sourceID='storyline'/>"),
        [125, 175],
    ),
    "synchronised clips at half speed": (sync(HALF + HALVES.format(10, 12), 20, 8), [125, 225]),
    "a multicam that names no angle shows the first": (multicam(""), [125, 150]),
    "a multicam that shows the other": (
        multicam('<mc-source angleID="y" srcEnable="video"/><mc-source angleID="x" '
                 'srcEnable="audio"/>'),
        [125],
    ),
    "a compound clip at twice its speed, counted from its first frame": (
        compound(TWICE.format(0, 10)),
        [125, 175],
    ),
    "a compound clip at twice its speed, counted in its timecode": (
        compound(TWICE.format(3600, 3610)),
        [125, 175],
    ),
    "a compound clip without start and duration": (compound("", ""), [125, 225]),
    "sound with a picture hung on it": (
        '<clip offset="3605s" start="0s" duration="5s"><audio ref="s1" offset="0s" duration="20s"/>'
        '<video lane="1" ref="a1" offset="1s" duration="2s"/></clip>',
        [125, 150],
    ),
    "a picture blended in at nothing": (
        '<asset-clip ref="a1" offset="3605s" duration="5s"><video ref="e2" lane="1" offset="1s" '
        'start="3600s" duration="2s"><adjust-blend amount="0"/></video></asset-clip>',
        [125],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("story", "boundaries"), GROUPS.values(), ids=GROUPS)
def test_what_a_group_shows_is_cut(tmp_path: Path, story: str, boundaries: list[int]):
    path = fcpxml(tmp_path / "cut.fcpxml", FIRST + story, resources=COMPOUND + MULTICAM)
    assert [at for at, _ in cuts(path)] == boundaries


def test_a_clip_shows_its_media_from_where_the_media_inside_it_begins(tmp_path: Path):
    path = fcpxml(
        tmp_path / "cut.fcpxml",
        '<clip offset="3600s" start="12s" duration="5s"><video ref="a1" offset="10s" start="30s" '
        'duration="20s"/></clip>',
    )
    (tmp_path / "A.mov").write_bytes(b"x")  # found by its name, beside the timeline
    (shot,) = read_edit(path).shots
    assert shot.source_start is not None
    assert shot.source_start.seconds == 32
