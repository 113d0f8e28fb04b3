# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's strips as a host-neutral timeline: channels become tracks, metas are opened, a cross
becomes the transition that it is. Nothing here imports Blender."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from emsync.hosting import ClipKind, HostClip, HostTrack, HostTransition, TrackKind

from .api import (
    OWN_KEY,
    content_start_of,
    end_of,
    inputs_of,
    start_of,
    strips_in,
    trim_of,
)

__all__ = ["Facts", "is_own", "rate_of", "tracks_of"]

NTSC_BASE = 1.001
CROSSES = {"CROSS": "cross dissolve", "GAMMA_CROSS": "cross dissolve", "WIPE": "wipe"}
SOLID = ("COLOR", "SCENE", "MASK")

Level = tuple[int, ...]
"""Height: the channel, and inside a meta the channels within; greater is nearer to the eye."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What only Blender can say of a file or a path."""

    rate: Fraction
    zero: int
    """The timeline's first frame, as Blender counts."""
    absolute: Callable[[str], str]
    """A path that may begin with `//`, as an absolute one."""
    speed_of: Callable[[Any], float]
    """Media seconds per second, of a movie strip."""


@dataclass(frozen=True, slots=True)
class _Seen:
    strip: Any
    level: Level
    first: int
    end: int
    enabled: bool


def rate_of(fps: int, base: float) -> Fraction:
    """Frames per second: 30 at a base of 1.001 is 30000/1001, exactly."""
    if abs(base - NTSC_BASE) < 1e-5:
        return Fraction(fps * 1000, 1001)
    return Fraction(fps) / Fraction(str(round(base, 6)))


def is_own(strip: Any) -> bool:
    """Whether emsync made a strip. (Markers have no ID properties in 5.0: their names tell.)"""
    return strip.get(OWN_KEY) is not None


def tracks_of(editor: Any, facts: Facts) -> tuple[HostTrack, ...]:
    """All tracks from bottom to top, without what emsync laid."""
    muted = {number for number, channel in enumerate(editor.channels) if channel.mute}
    seen = list(_seen(strips_in(editor), (), None, muted))
    crosses = [each for each in seen if each.strip.type in CROSSES and each.enabled]
    joined = _joined(seen, crosses)
    rows: dict[tuple[Level, TrackKind], list[HostClip]] = {}
    joins: dict[Level, list[HostTransition]] = {}
    for each, level in joined:
        clip = _clip(each, facts)
        if clip is not None:
            kind = TrackKind.SOUND if each.strip.type == "SOUND" else TrackKind.PICTURE
            rows.setdefault((level, kind), []).append(clip)
    for cross, level in _levels(crosses, joined):
        joins.setdefault(level, []).append(_transition(cross, facts.zero))
    return tuple(
        HostTrack(
            f"Channel {'/'.join(map(str, level))}",
            kind,
            tuple(sorted(rows[level, kind], key=lambda clip: clip.start_frames)),
            tuple(joins.get(level, ())) if kind is TrackKind.PICTURE else (),
        )
        for level, kind in sorted(rows, key=lambda row: (row[0], row[1].value))
    )


def _seen(
    strips: Iterable[Any], above: Level, bounds: tuple[int, int] | None, muted: Iterable[int]
) -> Iterator[_Seen]:
    """Every strip, and what the metas hold, cut to what the metas show."""
    for strip in strips:
        if is_own(strip):
            continue
        first, end = start_of(strip), end_of(strip)
        if bounds is not None:
            first, end = max(first, bounds[0]), min(end, bounds[1])
        if first >= end:
            continue
        level = (*above, strip.channel)
        enabled = not strip.mute and (bool(above) or strip.channel not in muted)
        if strip.type == "META":
            if enabled:
                yield from _seen(strips_in(strip), level, (first, end), ())
            continue
        yield _Seen(strip, level, first, end, enabled)


def _joined(seen: Sequence[_Seen], crosses: Sequence[_Seen]) -> list[tuple[_Seen, Level]]:
    """Strips that a cross joins share one track, at the cross' level, and meet in its middle."""
    level_of = {each.strip.name: each.level for each in seen}
    edges = {each.strip.name: (each.first, each.end) for each in seen}
    groups = [
        [cross.strip.name, *(i.name for i in inputs_of(cross.strip) if i.name in level_of)]
        for cross in crosses
    ]
    is_new = True
    while is_new:  # a chain of crosses pulls all its strips to one level
        is_new = False
        for names in groups:
            top = max(level_of[name] for name in names)
            for name in names:
                is_new = is_new or level_of[name] != top
                level_of[name] = top
    for cross in crosses:
        both = [each.name for each in inputs_of(cross.strip)]
        if len(both) == 2 and all(name in edges for name in both):
            middle = (cross.first + cross.end) // 2
            out, into = sorted(both, key=lambda name: edges[name])
            edges[out] = (edges[out][0], min(edges[out][1], middle))
            edges[into] = (max(edges[into][0], middle), edges[into][1])
    moved = []
    for each in seen:
        first, end = edges[each.strip.name]
        if first < end:
            moved.append((replace(each, first=first, end=end), level_of[each.strip.name]))
    return moved


def _levels(
    crosses: Sequence[_Seen], joined: Sequence[tuple[_Seen, Level]]
) -> Iterator[tuple[_Seen, Level]]:
    level_of = {each.strip.name: level for each, level in joined}
    for cross in crosses:
        yield cross, level_of[cross.strip.name]


def _transition(cross: _Seen, zero: int) -> HostTransition:
    middle = (cross.first + cross.end) // 2
    return HostTransition(
        middle - zero, middle - cross.first, cross.end - middle, CROSSES[cross.strip.type]
    )


def _clip(each: _Seen, facts: Facts) -> HostClip | None:
    """A strip as a clip; None for effects, whose picture is that of their inputs."""
    strip, kind = each.strip, each.strip.type
    plain = HostClip(
        strip.name,
        each.first - facts.zero,
        each.end - each.first,
        enabled=each.enabled and strip.blend_alpha > 0.0,
    )
    if kind == "MOVIE":
        return _from_file(plain, each, strip.filepath, facts.speed_of(strip), facts)
    if kind == "SOUND":
        return _from_file(plain, each, strip.sound.filepath if strip.sound else "", 1.0, facts)
    if kind == "MOVIECLIP" and strip.clip is not None:
        return _from_file(plain, each, strip.clip.filepath, 1.0, facts)
    if kind == "IMAGE":
        return _still(plain, strip, facts)
    if kind == "TEXT":
        return replace(plain, kind=ClipKind.TITLE)
    return replace(plain, kind=ClipKind.SOLID) if kind in SOLID else None


def _from_file(clip: HostClip, each: _Seen, path: str, speed: float, facts: Facts) -> HostClip:
    """A clip of a film: its content began at `frame_start`, wherever its handles are."""
    skipped_frames = each.first - content_start_of(each.strip)
    return replace(
        clip,
        media=facts.absolute(path) if path else None,
        source_start_s=max(0.0, (skipped_frames + trim_of(each.strip)) / float(facts.rate) * speed),
        speed=speed,
    )


def _still(clip: HostClip, strip: Any, facts: Facts) -> HostClip:
    """One picture has a file; a sequence of pictures is seen, but not looked into."""
    if len(strip.elements) != 1:
        return replace(clip, kind=ClipKind.SOLID)
    path = facts.absolute(f"{strip.directory}/{strip.elements[0].filename}")
    return replace(clip, media=path, speed=0.0)
