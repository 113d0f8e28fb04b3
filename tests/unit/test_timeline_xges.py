"""Projects of GStreamer Editing Services: what is written of a cut, and what GES itself writes."""

from __future__ import annotations

from pathlib import Path

import opentimelineio as otio
import pytest
from tests.timelines import R24, clip, dissolve, gap, saved, score_of, span, timeline, title, track

from emsync_otio import place, read_edit
from emsync_otio.opening import open_timeline

GES = """<ges version='0.7'><project properties='properties;' metadatas='metadatas;'><ressources/>
<timeline properties='properties;' metadatas='metadatas, markers=(GESMarkerList)&quot;\
marker-list-flags, flags=(int)0; marker-times, position=(guint64)400000000; \
metadatas, comment=(string)door; marker-times, position=(guint64)800000000; metadatas&quot;;'>
<track caps='video/x-raw(ANY)' track-type='4' track-id='0' metadatas='metadatas;' properties='\
properties, restriction-caps=(string)\
&quot;video/x-raw\\,\\ framerate\\=\\(fraction\\)25/1&quot;;'/>
<layer priority='0' properties='properties;' metadatas='metadatas, video::name=(string)Cut;'>
{clips}</layer></timeline></project></ges>""".replace("\\\n", "")


def ges_clip(number: int, kind: str, start_s: float, length_s: float, source: str = "") -> str:
    start, duration = (int(each * 10**9) for each in (start_s, length_s))
    asset = "file:///a.mov" if kind == "GESUriClip" else kind
    return (
        f"<clip id='{number}' asset-id='{asset}' type-name='{kind}' track-types='4' inpoint='0' "
        f"layer-priority='0' start='{start}' duration='{duration}' rate='0' "
        f"properties='properties, name=(string)c{number};' metadatas='metadatas;'>{source}</clip>"
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cut.xges"


def test_markers_of_a_project_that_ges_saved_are_read(path: Path):
    """Since 1.20 it writes flags before them, for which the adapter drops all; ours have no colour
    either, which it wants."""
    path.write_text(GES.format(clips=ges_clip(0, "GESUriClip", 0, 2)))
    edit = read_edit(path)
    assert (edit.picture.rate, edit.picture.duration.value) == (25, 50)
    assert [(hit.time.value, hit.label) for hit in edit.hits] == [(10, "door"), (20, "")]
    opened = open_timeline(path)
    assert [row.name for row in opened.tracks] == ["Cut"]


def test_titles_are_seen_through_and_test_pictures_are_not(path: Path):
    said = (
        "<source track-id='0' properties='properties;' metadatas='metadatas;' children-properties="
        "'properties, GstBaseTextOverlay::text=(string)Hello;'/>"
    )
    clips = [
        ges_clip(0, "GESUriClip", 0, 1),
        ges_clip(1, "GESTestClip", 1, 1),
        ges_clip(2, "GESTitleClip", 2, 1, said),
    ]
    path.write_text(GES.format(clips="".join(clips)))
    opened = open_timeline(path)
    references = [each.media_reference for each in opened.tracks[0].find_clips()]
    kinds = [getattr(each, "generator_kind", "file") for each in references]
    assert kinds[1:] == ["test picture", "title"]
    assert [b.time.value for b in read_edit(path).boundaries] == [25, 50]


def test_titles_fades_from_black_and_dissolves_of_compounds_are_written(path: Path):
    inside = otio.schema.Stack(
        children=[track(clip("x", 30, R24), dissolve(5, 5, R24), clip("y", 30, R24))]
    )
    inside.source_range = span(0, 60, R24)
    made = timeline(
        track(inside, gap(24, R24), dissolve(0, 12, R24), clip("a", 48, R24)),
        track(gap(10, R24), title(30, R24), name="V2"),
        rate=R24,
    )
    source = saved(made, path.with_suffix(".otio"))
    meant = read_edit(source)
    place(source, *score_of(meant, path.parent), path)
    again = read_edit(path)
    assert [(b.time.value, b.kind.value) for b in meant.boundaries] == [
        (30, "dissolve"),
        (60, "cut"),
        (90, "fade"),
    ]
    assert again.boundaries == meant.boundaries
    assert 'inpoint="-' not in path.read_text(encoding="utf-8")  # GES would stop reading there
