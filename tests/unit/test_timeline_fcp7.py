"""Final Cut Pro 7's XML, as Premiere, Hiero and DaVinci Resolve vary it."""

from __future__ import annotations

from pathlib import Path

import pytest

from emsync.errors import TimelineError
from emsync_otio import read_edit

RATE = "<rate><timebase>25</timebase><ntsc>FALSE</ntsc></rate>"


def clip(
    name: str, start: int, end: int, first: int = 0, inside: str = "file", more: str = ""
) -> str:
    media = {
        "file": f'<file id="f-{name}"><name>{name}.mov</name>{RATE}<duration>900</duration>'
        "<media><video/></media></file>",
        "nothing": "",
    }.get(inside, inside)
    length = end - start if start >= 0 and end >= 0 else 60
    return (
        f'<clipitem id="{name}"><name>{name}</name>{RATE}<start>{start}</start><end>{end}</end>'
        f"<in>{first}</in><out>{first + length}</out>{media}{more}</clipitem>"
    )


def join(start: int, end: int, alignment: str, name: str = "Cross Dissolve") -> str:
    said = f"<alignment>{alignment}</alignment>" if alignment else ""
    effect = f"<effect><name>{name}</name><effectid>{name}</effectid></effect>" if name else ""
    return (
        f"<transitionitem><start>{start}</start><end>{end}</end>{said}{RATE}{effect}"
        "</transitionitem>"
    )


def sequence(name: str, *tracks: str) -> str:
    rows = "".join(f"<track>{row}</track>" for row in tracks)
    return (
        f'<sequence id="{name}"><name>{name}</name>{RATE}<media><video>{rows}</video></media>'
        "</sequence>"
    )


def project(*sequences: str) -> str:
    return f"<project><name>p</name><children>{''.join(sequences)}</children></project>"


INNER = sequence("inner", clip("X", 0, 20) + clip("Y", 20, 60))
NESTED = clip("N", 30, 70, 10, '<sequence id="inner"/>')
VARIANTS = {
    "a transition around the cut": (
        sequence("s", clip("A", 0, -1) + join(40, 60, "center") + clip("B", -1, 100, 90)),
        [(50, "dissolve")],
    ),
    "a transition behind the cut": (
        sequence("s", clip("A", 0, -1) + join(50, 70, "start") + clip("B", -1, 120, 90)),
        [(60, "dissolve")],
    ),
    "a transition before the cut": (
        sequence("s", clip("A", 0, -1) + join(30, 50, "end") + clip("B", -1, 120, 90)),
        [(40, "dissolve")],
    ),
    "a transition that says neither where nor what": (
        sequence("s", clip("A", 0, -1) + join(40, 60, "", "") + clip("B", -1, 100, 90)),
        [(50, "dissolve")],
    ),
    "fades at both ends": (
        sequence(
            "s",
            join(0, 20, "start-black")
            + clip("A", -1, 50)
            + clip("B", 50, -1, 90)
            + join(80, 100, "end-black"),
        ),
        [(10, "fade"), (50, "cut"), (90, "fade")],
    ),
    "a nested sequence told where it is used": (
        sequence("s", clip("A", 0, 30) + clip("N", 30, 70, 10, INNER)),
        [(30, "cut"), (40, "cut")],
    ),
    "a nested sequence told in the bin before": (
        project(INNER, sequence("s", clip("A", 0, 30) + NESTED)),
        [(30, "cut"), (40, "cut")],
    ),
    "a nested sequence told in the bin behind": (
        project(
            sequence("s", clip("A", 0, 30) + NESTED), f"<bin><children>{INNER}</children></bin>"
        ),
        [(30, "cut"), (40, "cut")],
    ),
    "a nested sequence used twice": (
        sequence(
            "s",
            clip("N", 0, 40, 10, INNER) + clip("M", 40, 70, 0, '<sequence id="inner"/>'),
        ),
        [(10, "cut"), (40, "cut"), (60, "cut")],
    ),
    "tracks and clips that are switched off": (
        sequence(
            "s",
            clip("A", 0, 50) + clip("B", 50, 100),
            "<enabled>FALSE</enabled>" + clip("C", 20, 30),
            clip("D", 60, 70, more="<enabled>FALSE</enabled>"),
            "<locked>TRUE</locked>" + clip("E", 80, 90),
        ),
        [(50, "cut"), (80, "cut"), (90, "cut")],
    ),
    "a clip without a file, a marker without a time, a filter without an effect": (
        sequence(
            "s",
            clip("A", 0, 50, more="<marker><name>x</name></marker>")
            + clip("B", 50, 100, inside="nothing", more="<filter/>"),
        ),
        [(50, "cut")],
    ),
    "a generator that does not say that it is one": (
        sequence(
            "s",
            clip("A", 0, 50)
            + f'<generatoritem id="g"><name>Slug</name>{RATE}<start>50</start><end>100</end><in>0'
            "</in><out>50</out><effect><name>Slug</name><effectid>Slug</effectid></effect>"
            "</generatoritem>" + clip("B", 100, 120),
        ),
        [(50, "cut"), (100, "cut")],
    ),
}


@pytest.mark.parametrize(("body", "boundaries"), VARIANTS.values(), ids=VARIANTS)
def test_each_variant_is_cut_where_it_says(
    tmp_path: Path, body: str, boundaries: list[tuple[int, str]]
):
    path = tmp_path / "cut.xml"
    path.write_text(f'<?xml version="1.0"?><!DOCTYPE xmeml><xmeml version="5">{body}</xmeml>')
    edit = read_edit(path)
    assert [(b.time.value, b.kind.value) for b in edit.boundaries] == boundaries


def test_sequences_that_nest_in_a_circle_are_refused(tmp_path: Path):
    path = tmp_path / "cut.xml"
    one = sequence("a", clip("N", 0, 30, 0, '<sequence id="b"/>'))
    other = sequence("b", clip("N", 0, 30, 0, '<sequence id="a"/>'))
    outer = sequence("s", clip("N", 0, 30, 0, '<sequence id="a"/>'))
    path.write_text(f'<xmeml version="5">{project(one, other, outer)}</xmeml>')
    with pytest.raises(TimelineError, match="in a circle"):
        read_edit(path)


def test_two_sequences_that_do_not_hold_each_other_are_one_too_many(tmp_path: Path):
    path = tmp_path / "cut.xml"
    both = project(sequence("a", clip("A", 0, 30)), sequence("b", clip("B", 0, 30)))
    path.write_text(f'<xmeml version="5">{both}</xmeml>')
    with pytest.raises(TimelineError, match=r"holds 2 timelines \('a', 'b'\)"):
        read_edit(path)
