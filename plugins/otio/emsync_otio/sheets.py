"""A cue sheet as a timeline that any program shows: its film, its cuts, its hits, its cues."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import opentimelineio as otio

from emsync import wire
from emsync.cue import CueSheet
from emsync.picture import BoundaryKind
from emsync_otio.clock import otio_range, otio_time
from emsync_otio.own import OWN_KEY

__all__ = ["timeline_of_sheet"]


def timeline_of_sheet(sheet: CueSheet) -> otio.schema.Timeline:
    """The picture cut at its boundaries, hits as markers, cues as clips of a track of their own.

    Gradual changes stand as cuts at their middle; the sheet itself travels in the metadata.
    """
    picture = sheet.picture
    rate, start = picture.rate, picture.start.seconds
    timeline = otio.schema.Timeline(name=Path(picture.source).stem)
    timeline.global_start_time = otio_time(start, rate)
    timeline.metadata[OWN_KEY] = {"cue_sheet": wire.to_dict(sheet)}
    whole = otio_range(Fraction(0), picture.duration.at_rate(rate).seconds, rate)
    shots = otio.schema.Track(name="V1", kind=otio.schema.TrackKind.Video)
    seen = [each for each in sheet.boundaries if each.kind is not BoundaryKind.MARKER]
    edges = [Fraction(0), *(each.time.seconds for each in seen), picture.duration.seconds]
    for number, (begin, end) in enumerate(pairwise(edges), start=1):
        media = otio.schema.ExternalReference(picture.source, whole)
        shown = otio_range(begin, end - begin, rate)
        shots.append(otio.schema.Clip(f"shot {number}", media, shown))
    timeline.tracks.append(shots)
    timeline.tracks.append(_cue_track(sheet))
    for cue in sheet.cues:
        for number, hit in enumerate(cue.hits, start=1):
            marker = otio.schema.Marker(
                name=hit.label or f"hit {number}",
                marked_range=otio_range(hit.time.seconds, 1 / rate, rate),
                comment="locked" if hit.locked else "not locked",
            )
            timeline.tracks.markers.append(marker)
    return timeline


def _cue_track(sheet: CueSheet) -> otio.schema.Track:
    rate = sheet.picture.rate
    track = otio.schema.Track(name="cues", kind=otio.schema.TrackKind.Audio)
    at = Fraction(0)
    for cue in sorted(sheet.cues, key=lambda cue: cue.range.start.seconds):
        begin, length = cue.range.start.seconds, cue.range.duration.seconds
        if begin > at:
            track.append(otio.schema.Gap(source_range=otio_range(Fraction(0), begin - at, rate)))
        shown = otio_range(Fraction(0), length, rate)
        track.append(otio.schema.Clip(cue.name, otio.schema.MissingReference(), shown))
        at = begin + length
    return track
