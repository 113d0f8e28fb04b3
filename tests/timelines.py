"""Timelines and scores built for tests: nothing on disk but what a test asks for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio

from emsync.cue import Cue, CueSheet, Hit, HitSource
from emsync.emotion import EmotionCurve, EmotionPoint, ValenceArousal
from emsync.family import Family
from emsync.picture import PictureInfo
from emsync.score import Landing, Meter, Take, TempoAnchor, TempoMap
from emsync.stem import GainCurve, GainPoint, LoudnessTarget, Stem, StemSet
from emsync.timecode import RationalTime, TimeRange
from emsync_otio import PlacedCue, TimelineEdit

FILM_2398 = Fraction(24000, 1001)
NTSC_30 = Fraction(30000, 1001)
R24 = Fraction(24)
RATES = (FILM_2398, Fraction(24), Fraction(25), NTSC_30, Fraction(30), Fraction(50), Fraction(60))


def frames(count: float, rate: Fraction) -> otio.opentime.RationalTime:
    return otio.opentime.RationalTime(count, float(rate))


def span(start: float, length: float, rate: Fraction) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(frames(start, rate), frames(length, rate))


def clip(
    name: str, length: int, rate: Fraction, *, start: int = 0, media: str = "", enabled: bool = True
) -> otio.schema.Clip:
    """A clip with 10 s of handles before and after, or at the start of its media."""
    reference = (
        otio.schema.ExternalReference(media, span(0, start + length + 240, rate))
        if media
        else otio.schema.MissingReference()
    )
    made = otio.schema.Clip(
        name=name, media_reference=reference, source_range=span(start, length, rate)
    )
    made.enabled = enabled
    return made


def title(length: int, rate: Fraction) -> otio.schema.Clip:
    return otio.schema.Clip(
        name="Title",
        media_reference=otio.schema.GeneratorReference(generator_kind="title"),
        source_range=span(0, length, rate),
    )


def gap(length: int, rate: Fraction) -> otio.schema.Gap:
    return otio.schema.Gap(source_range=span(0, length, rate))


def dissolve(before: int, after: int, rate: Fraction, name: str = "") -> otio.schema.Transition:
    return otio.schema.Transition(
        name=name,
        transition_type="SMPTE_Dissolve",
        in_offset=frames(before, rate),
        out_offset=frames(after, rate),
    )


def marker(name: str, at: int, rate: Fraction) -> otio.schema.Marker:
    return otio.schema.Marker(name=name, marked_range=span(at, 1, rate))


def track(*items: otio.core.Composable, kind: str = "Video", name: str = "V1") -> otio.schema.Track:
    return otio.schema.Track(name=name, kind=kind, children=list(items))


def timeline(
    *tracks: otio.core.Composable, rate: Fraction | None = None, start: int = 0, name: str = "cut"
) -> otio.schema.Timeline:
    made = otio.schema.Timeline(name=name)
    made.tracks.extend(tracks)
    if rate is not None:
        made.global_start_time = frames(start, rate)
    return made


def saved(made: otio.schema.Timeline, path: Path) -> Path:
    otio.adapters.write_to_file(made, str(path))
    return path


def score_of(
    edit: TimelineEdit | PictureInfo,
    folder: Path,
    *,
    first: int = 0,
    name: str = "cue",
    hits: Sequence[int] = (),
    families: Sequence[Family] = (Family.STRINGS, Family.BRASS),
    seed: int = 7,
) -> tuple[CueSheet, list[PlacedCue]]:
    """One cue from frame `first` to the picture's end, with stems as empty files."""
    picture = edit.picture if isinstance(edit, TimelineEdit) else edit
    rate = picture.rate
    length = RationalTime(picture.duration.value - first, rate)
    cue = Cue(
        name,
        TimeRange(RationalTime(first, rate), length),
        tuple(
            Hit(RationalTime(at, rate), 1.0, True, HitSource.BOUNDARY, "") for at in sorted(hits)
        ),
        EmotionCurve(
            (
                EmotionPoint(
                    RationalTime(first, rate), ValenceArousal(0.1, 0.2), ValenceArousal(1 / 3, 0.7)
                ),
            )
        ),
    )
    boundaries = edit.boundaries if isinstance(edit, TimelineEdit) else ()
    sheet = CueSheet(picture, boundaries, (cue,))
    tempo_map = TempoMap(
        (TempoAnchor(Fraction(0), Fraction(0)), TempoAnchor(Fraction(16), length.seconds)),
        (Meter(Fraction(0), 4, 4),),
    )
    landings = tuple(
        Landing(hit.time.seconds - cue.range.start.seconds, Fraction(1), 0.0012) for hit in cue.hits
    )
    take = Take(picture, cue, 1, seed, "composer abc", "0.1.0", "score.mid", tempo_map, landings)
    (folder / "stems").mkdir(parents=True, exist_ok=True)
    stems = tuple(Stem(family, f"stems/{family.value}.wav", -3.0) for family in families)
    for stem in stems:
        (folder / stem.path).write_bytes(b"RIFF")
    stem_set = StemSet(
        name,
        stems,
        "mix.wav",
        48_000,
        round(length.seconds * 48_000),
        0,
        -23.0,
        -1.0,
        LoudnessTarget.EBU_R128,
        GainCurve((GainPoint(0.0, 0.0), GainPoint(1.0, -6.0))),
        "synthesiser",
    )
    return sheet, [PlacedCue(take, stem_set, folder)]


def users_timeline(rate: Fraction = R24, start: int = 86_400) -> otio.schema.Timeline:
    """Two picture tracks, sound, markers and metadata of the user's own."""
    made = timeline(
        track(clip("a", 100, rate), dissolve(5, 5, rate), clip("b", 140, rate)),
        track(gap(30, rate), clip("over", 20, rate), name="V2"),
        track(clip("dialogue", 240, rate), kind="Audio", name="A1"),
        rate=rate,
        start=start,
    )
    made.tracks.markers.append(marker("door", 60, rate))
    made.metadata["theirs"] = {"note": "keep", "big": 2**53 + 1}
    return made


def own_tracks(path: Path) -> list[otio.schema.Track]:
    made = otio.adapters.read_from_file(str(path))
    return [row.deepcopy() for row in made.tracks if "emsync" in row.metadata]


def without_ours(path: Path) -> dict[str, object]:
    """The written JSON without everything that carries our key."""

    def stripped(value: object) -> object:
        if isinstance(value, list):
            return [stripped(v) for v in value if not (isinstance(v, dict) and is_ours(v))]
        if isinstance(value, dict):
            return {k: stripped(v) for k, v in value.items() if k != "emsync"}
        return value

    def is_ours(value: dict[str, object]) -> bool:
        return "emsync" in (value.get("metadata") or {})  # type: ignore[operator]

    return stripped(json.loads(path.read_text()))  # type: ignore[return-value]
