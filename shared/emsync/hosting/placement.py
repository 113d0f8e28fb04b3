"""What is to be laid on a host's timeline, and whether the host did it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from emsync import wire
from emsync.cue import Cue, CueSheet, Hit
from emsync.errors import CueSheetError, NotFoundError
from emsync.family import Family
from emsync.hosting.timeline import Span
from emsync.hosting.wishes import Wishes
from emsync.score import Landing, Take
from emsync.stem import GainCurve, StemSet

__all__ = [
    "FoundStem",
    "HitMark",
    "Placement",
    "ScoreNote",
    "StemClip",
    "differences",
    "placement_of",
    "read_note",
]

SAME_HIT_S = Fraction(1, 1000)  # takes keep exact seconds; sheets count frames
LENGTH_TOLERANCE_FRAMES = 1  # hosts round a sound's length to frames up or down


@dataclass(frozen=True, slots=True)
class ScoreNote:
    """What stays in the host's project, so that a score can be made again, changed or removed."""

    version: str
    """emsync's version."""
    folder: str
    """Absolute path of the run's folder: cue sheet, takes, stems."""
    span: Span
    """What was scored."""
    take: int
    """Number of the take that lies on the timeline."""
    takes: int
    """How many there are to choose from."""
    seed: int
    model: str
    """Identity of the weights."""
    synthesizer: str
    wishes: Wishes
    sheet: CueSheet
    is_whole: bool = False
    """The whole timeline was ordered, however long it is."""
    offers: tuple[str, ...] = ()
    """What each take is like, for the person who chooses: 'D minor, 96 bpm, 24 bars'."""


@dataclass(frozen=True, slots=True)
class StemClip:
    """One stem, on a track of its own."""

    name: str
    """Of track and clip; begins with the cue's name."""
    family: Family
    media: str
    """Absolute path."""
    start_frames: int
    """From the timeline's first frame."""
    length_frames: int
    """Whole frames that the file fills, its tail included."""
    ducked_media: str | None = None
    """The same with the gain under the dialogue applied; None where none was asked for."""


@dataclass(frozen=True, slots=True)
class HitMark:
    """A marker at a hit, with how far the music is off."""

    name: str
    at_frames: int
    color: str
    """'GREEN' within half a frame, 'YELLOW' not locked, 'RED' off."""
    error_frames: float | None = None
    """Onset minus hit; None where the music was not to land there."""


@dataclass(frozen=True, slots=True)
class Placement:
    """All that one score lays on the timeline."""

    cue: str
    stems: tuple[StemClip, ...]
    marks: tuple[HitMark, ...]
    note: ScoreNote
    ducking: GainCurve
    """Automation for the stems, in seconds from the cue's start."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundStem:
    """A stem of ours as the host says that it lies there."""

    name: str
    track: str
    start_frames: int
    length_frames: int
    media: str


def placement_of(
    take: Take,
    stems: StemSet,
    rendered: Path,
    note: ScoreNote,
    ducked: Sequence[Path | None] = (),
) -> Placement:
    """Where a rendered take goes. `rendered` is the folder of its stems; raises where one is
    missing.
    """
    cue, rate = take.cue, take.picture.rate
    start = note.span.start_frames + cue.range.start.at_rate(rate).value
    # A cue of whole frames may be rounded to a sample less than that.
    length = int((stems.length_samples + 1) * rate / stems.sample_rate_hz)
    if length <= 0:
        raise CueSheetError(f"The stems of cue '{cue.name}' are shorter than a frame.")
    clips = []
    for number, stem in enumerate(stems.stems):
        media = rendered / stem.path
        if not media.is_file():
            raise NotFoundError(f"The stem '{media}' is not there. Score '{cue.name}' again.")
        name = f"{cue.name} – {stem.family.value}"
        duck = ducked[number] if number < len(ducked) else None
        clips.append(
            StemClip(name, stem.family, str(media), start, length, str(duck) if duck else None)
        )
    marks = tuple(
        _mark(number, hit, take, note.span.start_frames)
        for number, hit in enumerate(cue.hits, start=1)
    )
    return Placement(
        cue.name,
        tuple(clips),
        marks,
        note,
        stems.ducking,
        (*note.sheet.picture.warnings, *cue.crowded_hits, *stems.silence_warning),
    )


def read_note(text: str) -> ScoreNote:
    """A note from the text that a project keeps; raises CueSheetError."""
    try:
        data = json.loads(text)
    except ValueError as err:
        raise CueSheetError(
            "What emsync noted in this project is damaged. Remove the score and make it again."
        ) from err
    return wire.from_dict(
        ScoreNote,
        data,
        origin="What emsync noted in this project",
        advice="Remove the score and make it again.",
    )


def differences(placement: Placement, found: Sequence[FoundStem]) -> tuple[str, ...]:
    """Sentences about what the host did differently; none where all lies as it should."""
    by_name = {stem.name: stem for stem in found}
    lines = []
    for clip in placement.stems:
        there = by_name.get(clip.name)
        if there is None:
            lines.append(f"'{clip.name}' is not on the timeline, although the host took it.")
        elif there.start_frames != clip.start_frames:
            off = there.start_frames - clip.start_frames
            lines.append(f"'{clip.name}' lies {off:+d} frames from where it belongs.")
        elif abs(there.length_frames - clip.length_frames) > LENGTH_TOLERANCE_FRAMES:
            lines.append(
                f"'{clip.name}' lasts {there.length_frames} frames on the timeline; its file "
                f"fills {clip.length_frames}."
            )
        elif not _same_file(there.media, clip):
            lines.append(f"'{clip.name}' plays '{there.media}', not the stem that was laid.")
    return tuple(lines)


def _same_file(media: str, clip: StemClip) -> bool:
    wanted = [clip.media, *([clip.ducked_media] if clip.ducked_media else [])]
    return Path(media).name in {Path(each).name for each in wanted} and any(
        Path(media) == Path(each) or Path(media).resolve() == Path(each).resolve()
        for each in wanted
    )


def _mark(number: int, hit: Hit, take: Take, zero: int) -> HitMark:
    rate = take.picture.rate
    landing = _landing_of(hit, take.cue, take.landings)
    at = zero + hit.time.at_rate(rate).value
    name = f"{take.cue.name}: {hit.label or f'hit {number}'}"
    if landing is None:
        return HitMark(f"{name} (not locked)", at, "YELLOW")
    error = round(landing.error_s * float(rate), 4)
    color = "GREEN" if abs(error) <= 0.5 and math.isfinite(error) else "RED"
    shown = round(error, 2) + 0.0  # never -0.00
    return HitMark(f"{name} ({shown:+.2f} frames)", at, color, error)


def _landing_of(hit: Hit, cue: Cue, landings: Sequence[Landing]) -> Landing | None:
    at_s = hit.time.seconds - cue.range.start.seconds
    nearest = min(landings, key=lambda landing: abs(landing.hit_s - at_s), default=None)
    return nearest if nearest and abs(nearest.hit_s - at_s) <= SAME_HIT_S else None
