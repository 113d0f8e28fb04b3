"""Stems and hits as OpenTimelineIO objects, each with what emsync knows of it in its metadata."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio

from emsync import __version__, wire
from emsync.cue import Cue, CueSheet, Hit
from emsync.errors import CueSheetError, NotFoundError
from emsync.family import Family
from emsync.score import Landing, Take
from emsync.stem import StemSet
from emsync.timecode import RationalTime, TimeRange
from emsync_otio.clock import Seconds, otio_range, otio_time
from emsync_otio.media_paths import media_url
from emsync_otio.own import OWN_KEY

__all__ = [
    "PlacedCue",
    "PlacedHit",
    "PlacedStem",
    "film_timeline",
    "lay_cue_in_place",
    "sheet_metadata",
]

_SAME_HIT_S = Fraction(1, 1000)
"""A landing belongs to the hit within a millisecond; takes keep exact seconds."""


@dataclass(frozen=True, slots=True)
class PlacedCue:
    """A take that was rendered, and the folder where its stems lie."""

    take: Take
    stems: StemSet
    folder: Path


@dataclass(frozen=True, slots=True)
class PlacedStem:
    """One stem as it lies on the timeline."""

    track: str
    cue: str
    family: Family
    record: TimeRange
    """In picture time, on whole frames of the timeline."""
    media: Path


@dataclass(frozen=True, slots=True)
class PlacedHit:
    """One hit as it is marked on the timeline."""

    name: str
    cue: str
    time: RationalTime
    """In picture time, on a whole frame."""
    error_s: float | None
    """Onset of the accent minus the hit, as measured in the take; None: not landed on purpose."""


def lay_cue_in_place(
    timeline: otio.schema.Timeline, placed: PlacedCue, rate: Fraction, out: Path, zero: Seconds
) -> tuple[list[PlacedStem], list[PlacedHit]]:
    """Add a cue's tracks and markers. `zero` is the stack's time at the picture's first frame."""
    stems = []
    for track, stem in _stem_tracks(placed, rate, out, zero):
        timeline.tracks.append(track)
        stems.append(stem)
    hits = []
    for marker, hit in _hit_markers(placed.take, rate, zero):
        timeline.tracks.markers.append(marker)
        hits.append(hit)
    return stems, hits


def film_timeline(sheet: CueSheet, out: Path) -> otio.schema.Timeline:
    """A timeline that shows the film as one clip, with its own sound."""
    picture = sheet.picture
    film, rate = Path(picture.source), picture.rate
    start = picture.start.seconds
    shown = otio_range(start, picture.duration.at_rate(rate).seconds, rate)
    timeline = otio.schema.Timeline(name=film.stem)
    timeline.global_start_time = otio_time(start, rate)
    kinds = [(otio.schema.TrackKind.Video, "V1")]
    if picture.has_sound is not False:
        kinds.append((otio.schema.TrackKind.Audio, "A1"))
    for kind, name in kinds:
        clip = otio.schema.Clip(
            name=film.name,
            media_reference=otio.schema.ExternalReference(media_url(film, out), shown),
            source_range=shown,
        )
        timeline.tracks.append(otio.schema.Track(name=name, kind=kind, children=[clip]))
    return timeline


def sheet_metadata(sheet: CueSheet, placed: Sequence[PlacedCue]) -> dict[str, object]:
    """All that is needed to make the score again."""
    return {
        "version": __version__,
        "cue_sheet": wire.to_dict(sheet),
        "takes": [
            {
                "cue": one.take.cue.name,
                "number": one.take.number,
                "seed": one.take.seed,
                "model": one.take.model,
                "version": one.take.version,
                "midi": one.take.midi,
                "synthesizer": one.stems.synthesizer,
            }
            for one in placed
        ],
    }


def _stem_tracks(
    placed: PlacedCue, rate: Fraction, out: Path, zero: Seconds
) -> Iterator[tuple[otio.schema.Track, PlacedStem]]:
    """One sound track per stem: a gap up to the cue, and the stem."""
    take, stems = placed.take, placed.stems
    start = take.cue.range.start.at_rate(rate)
    record = TimeRange(start, RationalTime(_whole_frames(stems, rate), rate))
    if record.duration.value <= 0:
        raise CueSheetError(f"The stems of cue '{take.cue.name}' are shorter than a frame.")
    for stem in stems.stems:
        media = placed.folder / stem.path
        if not media.is_file():
            raise NotFoundError(
                f"The stem '{media}' is not there. Render the cue '{take.cue.name}' again."
            )
        name = f"{take.cue.name} – {stem.family.value}"
        about = {"kind": "stem", "cue": take.cue.name, "family": stem.family.value}
        clip = otio.schema.Clip(
            name=name,
            media_reference=_stem_media(media, stems, rate, out),
            source_range=otio_range(Fraction(0), record.duration.seconds, rate),
            metadata={
                OWN_KEY: {**about, "take": take.number, "seed": take.seed, "peak_db": stem.peak_db}
            },
        )
        ducking = wire.to_dict(stems.ducking)
        track = otio.schema.Track(
            name=name,
            kind=otio.schema.TrackKind.Audio,
            metadata={OWN_KEY: {**about, "version": __version__, "ducking": ducking}},
        )
        lead = start.seconds + zero
        if lead > 0:
            track.append(otio.schema.Gap(source_range=otio_range(Fraction(0), lead, rate)))
        track.append(clip)
        yield track, PlacedStem(name, take.cue.name, stem.family, record, media)


def _whole_frames(stems: StemSet, rate: Fraction) -> int:
    """Frames that a stem fills; a cue of whole frames may be rounded to a sample less than that."""
    return int((stems.length_samples + 1) * rate / stems.sample_rate_hz)


def _stem_media(
    media: Path, stems: StemSet, rate: Fraction, out: Path
) -> otio.schema.ExternalReference:
    """The file with its length in frames of the timeline, as Resolve and Premiere write sound.

    In samples it would be exact, but 48000 is no timecode rate: FCP 7 XML could not be written.
    """
    length = Fraction(stems.length_samples, stems.sample_rate_hz)
    return otio.schema.ExternalReference(
        target_url=media_url(media, out),
        available_range=otio_range(Fraction(0), length, rate),
        metadata={
            OWN_KEY: {
                "length_samples": stems.length_samples,
                "tail_samples": stems.tail_samples,
                "sample_rate_hz": stems.sample_rate_hz,
            }
        },
    )


def _hit_markers(
    take: Take, rate: Fraction, zero: Seconds
) -> Iterator[tuple[otio.schema.Marker, PlacedHit]]:
    """A marker of one frame at each hit, named with how far the music is off."""
    for number, hit in enumerate(take.cue.hits, start=1):
        landing = _landing_of(hit, take.cue, take.landings)
        time = hit.time.at_rate(rate)
        error_s = landing.error_s if landing else None
        name = hit.label or f"Hit {number}"
        name += f" ({_in_frames(error_s, rate)})" if error_s is not None else " (not locked)"
        is_exact = error_s is not None and abs(error_s) <= float(1 / (2 * rate))
        colors = otio.schema.MarkerColor
        marker = otio.schema.Marker(
            name=name,
            marked_range=otio_range(time.seconds + zero, 1 / rate, rate),
            color=colors.GREEN if is_exact else colors.YELLOW if error_s is None else colors.RED,
            metadata={
                OWN_KEY: {
                    "kind": "hit",
                    "cue": take.cue.name,
                    "hit": wire.to_dict(hit),
                    **({"error_s": error_s} if error_s is not None else {}),
                }
            },
        )
        yield marker, PlacedHit(name, take.cue.name, time, error_s)


def _in_frames(error_s: float, rate: Fraction) -> str:
    """How far the music is off, in frames of the timeline: '0 frames', '+0.25 frames'."""
    error = round(error_s * rate, 2)
    return f"{error:+.2f} frames" if error else "0 frames"


def _landing_of(hit: Hit, cue: Cue, landings: Sequence[Landing]) -> Landing | None:
    at = hit.time.seconds - cue.range.start.seconds
    nearest = min(landings, key=lambda landing: abs(landing.hit_s - at), default=None)
    return nearest if nearest and abs(nearest.hit_s - at) <= _SAME_HIT_S else None
