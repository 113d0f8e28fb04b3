"""Building OpenTimelineIO tracks from items that are known by where they begin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

import opentimelineio as otio

from emsync_otio.clock import Seconds, otio_range, otio_time

__all__ = ["Join", "Laid", "tracks_of"]


@dataclass(frozen=True)
class Laid:
    """An item and where it lies in its timeline."""

    start: Seconds
    duration: Seconds
    item: otio.core.Item
    lane: tuple[int, ...] = (0,)
    """Height of the track: greater is nearer to the audience. (0, 1) lies just above (0,)."""


@dataclass(frozen=True)
class Join:
    """A transition around the cut at `cut`, in one lane."""

    cut: Seconds
    before: Seconds
    after: Seconds
    name: str
    lane: tuple[int, ...] = (0,)


def tracks_of(
    laid: Iterable[Laid],
    joins: Sequence[Join],
    rate: Fraction,
    kind: str,
    names: Mapping[tuple[int, ...], str] = MappingProxyType({}),
) -> list[otio.schema.Track]:
    """One track per lane from bottom to top; what overlaps in a lane gets a track above it.

    `names` are those of lanes that have any; the others are V1, V2, … or A1, A2, ….
    """
    lanes: dict[tuple[int, ...], list[Laid]] = {}
    for piece in laid:
        if piece.duration > 0 and piece.start + piece.duration > 0:
            lanes.setdefault(piece.lane, []).append(piece)
    depth = max((len(lane) for lane in lanes), default=0)
    tracks: list[otio.schema.Track] = []
    for lane in sorted(lanes, key=lambda key: key + (0,) * (depth - len(key))):
        own_joins = [join for join in joins if join.lane == lane]
        for row in _without_overlaps(sorted(lanes[lane], key=lambda piece: piece.start)):
            track = _track(row, own_joins, rate, kind)
            track.name = names.get(lane) or f"{kind[0]}{len(tracks) + 1}"
            tracks.append(track)
            own_joins = []
    return tracks


def _without_overlaps(pieces: Sequence[Laid]) -> list[list[Laid]]:
    rows: list[list[Laid]] = []
    for piece in pieces:
        for row in rows:
            if row[-1].start + row[-1].duration <= piece.start:
                row.append(piece)
                break
        else:
            rows.append([piece])
    return rows


def _track(
    row: Sequence[Laid], joins: Sequence[Join], rate: Fraction, kind: str
) -> otio.schema.Track:
    track = otio.schema.Track(kind=kind)
    waiting = {join.cut: join for join in joins}
    at = Fraction(0)
    for piece in row:
        if piece.start > at:
            _append_join_in_place(track, waiting.pop(at, None), rate)
            track.append(
                otio.schema.Gap(source_range=otio_range(Fraction(0), piece.start - at, rate))
            )
        _append_join_in_place(track, waiting.pop(max(piece.start, Fraction(0)), None), rate)
        track.append(_cut_at_zero(piece, rate))
        at = piece.start + piece.duration
    _append_join_in_place(track, waiting.pop(at, None), rate)
    return track


def _append_join_in_place(track: otio.schema.Track, join: Join | None, rate: Fraction) -> None:
    if join is not None:
        track.append(
            otio.schema.Transition(
                name=join.name,
                transition_type=otio.schema.TransitionTypes.SMPTE_Dissolve,
                in_offset=otio_time(join.before, rate),
                out_offset=otio_time(join.after, rate),
            )
        )


def _cut_at_zero(piece: Laid, rate: Fraction) -> otio.core.Item:
    """An item without what lies before its timeline's first frame."""
    if piece.start < 0 and piece.item.source_range is not None:
        shown = piece.item.source_range
        lost = otio_time(-piece.start, rate)
        piece.item.source_range = otio.opentime.TimeRange(
            shown.start_time + lost, shown.duration - lost
        )
    return piece.item
