"""Timelines in: any file that OpenTimelineIO's adapters read, as what the audience sees."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import opentimelineio as otio

from emsync.counted import counted
from emsync.errors import TimelineError
from emsync.picture import Boundary, BoundaryKind, PictureInfo
from emsync.settings import MarkerRule, MarkerUse
from emsync.timecode import RationalTime, TimeRange
from emsync_otio.changes import KeptSpan, kept_spans
from emsync_otio.clock import Seconds, exact_rate, exact_seconds
from emsync_otio.edit import ShotMedia, TimelineEdit
from emsync_otio.flattening import Blend, Stretch, flatten, item_range
from emsync_otio.looks import is_still
from emsync_otio.markers import find_markers
from emsync_otio.media_paths import find_media
from emsync_otio.opening import open_timeline
from emsync_otio.own import is_own

__all__ = [
    "boundaries_of",
    "edit_of",
    "kept_spans_of",
    "picture_rate",
    "read_edit",
    "start_timecode",
]

_EVERY_MARKER = MarkerRule(MarkerUse.ALL)

_FRAME_RATES = (8.0, 240.0)
"""Clocks outside these count samples or ticks, not frames."""


def read_edit(
    path: Path,
    rate: Fraction | None = None,
    markers: MarkerRule = _EVERY_MARKER,
    *,
    content: Path | None = None,
) -> TimelineEdit:
    """The edit of a timeline file.

    `rate` is for EDLs alone, which do not say at what rate they count; `markers` says which of the
    editor's markers become hits; `content` is a copy of the file to read in its stead.
    Raises NotFoundError for a path that names nothing, TimelineError for all that cannot be scored.
    """
    timeline = open_timeline(content or path, rate)
    return edit_of(timeline, path, markers)


def kept_spans_of(old: Path, new: Path) -> tuple[KeptSpan, ...]:
    """What two timeline files show both, in the same order. Raises NotFoundError, TimelineError."""
    return kept_spans(open_timeline(old), open_timeline(new))


def edit_of(
    timeline: otio.schema.Timeline, path: Path, markers: MarkerRule = _EVERY_MARKER
) -> TimelineEdit:
    """The edit of a timeline that was read from `path`."""
    seen = flatten(timeline.tracks)
    if not seen:
        raise _no_picture(timeline, path)
    rate = picture_rate(timeline)
    duration = RationalTime.from_seconds(seen[-1].end, rate)
    if duration.value <= 0:
        raise TimelineError(f"The picture of '{path.name}' is shorter than a frame.")
    folders = [path if path.is_dir() else path.parent, path.parent, path.parent.parent][
        : 3 if path.parent.suffix == ".fcpxmld" else 2
    ]
    media = _MediaFinder(folders)
    shots = _shots(seen, rate, duration, media)
    marked = find_markers(timeline, rate, duration, markers)
    warnings = [*_rate_warnings(timeline, path), *media.warnings(), *marked.warnings(markers)]
    picture = PictureInfo(
        source=str(path.resolve()),
        rate=rate,
        duration=duration,
        start=start_timecode(timeline, rate),
        has_sound=True if _has_sound(timeline) else None,
        warnings=tuple(warnings),
    )
    return TimelineEdit(picture, _boundaries(seen, rate, duration), marked.hits, shots)


def boundaries_of(seen: Sequence[Stretch], rate: Fraction) -> tuple[Boundary, ...]:
    """Where the picture changes; nowhere where none is shown."""
    return _boundaries(seen, rate, RationalTime.from_seconds(seen[-1].end, rate)) if seen else ()


def picture_rate(timeline: otio.schema.Timeline) -> Fraction:
    """Frames per second of the timeline: of its start timecode, or of most of its picture.

    A start of zero carries no rate of its own: tools write it at any.
    """
    start = timeline.global_start_time
    if start is not None and start.value != 0 and _is_frame_rate(start.rate):
        return exact_rate(start.rate)
    lengths: dict[Fraction, Seconds] = {}
    _count_rates_in_place(timeline.tracks, lengths)
    if lengths:
        stated = exact_rate(start.rate) if start is not None and start.rate > 0 else None
        return max(lengths, key=lambda rate: (lengths[rate], rate == stated, rate))
    if start is not None and _is_frame_rate(start.rate):
        return exact_rate(start.rate)
    raise TimelineError(
        "The timeline does not say how many frames it shows in a second. "
        "Export it again from the editor."
    )


def start_timecode(timeline: otio.schema.Timeline, rate: Fraction) -> RationalTime:
    """Timecode of a timeline's first frame, as a count; zero where it has none."""
    start = timeline.global_start_time
    seconds = exact_seconds(start) if start is not None else Fraction(0)
    return RationalTime.from_seconds(max(seconds, Fraction(0)), rate)


def _count_rates_in_place(
    composition: otio.core.Composition, lengths: dict[Fraction, Seconds]
) -> None:
    """Seconds of picture per rate; gaps count little, compound clips as what holds them."""
    for child in composition:
        if isinstance(child, otio.schema.Track):
            if child.kind == otio.schema.TrackKind.Video:
                _count_rates_in_place(child, lengths)
            continue
        if not isinstance(child, otio.core.Item):
            continue
        media = getattr(child, "media_reference", None)
        known = child.source_range or getattr(media, "available_range", None)
        if known is not None and _is_frame_rate(known.duration.rate):
            weight = Fraction(1, 1000) if isinstance(child, otio.schema.Gap) else Fraction(1)
            rate = exact_rate(known.duration.rate)
            lengths[rate] = lengths.get(rate, Fraction(0)) + item_range(child)[1] * weight
        elif isinstance(child, otio.core.Composition):
            _count_rates_in_place(child, lengths)


def _is_frame_rate(rate: float) -> bool:
    return _FRAME_RATES[0] <= rate <= _FRAME_RATES[1]


def _no_picture(timeline: otio.schema.Timeline, path: Path) -> TimelineError:
    if not any(len(track) for track in timeline.tracks if isinstance(track, otio.core.Composition)):
        return TimelineError(
            f"The timeline in '{path.name}' is empty. Export the sequence that holds the cut."
        )
    if _has_sound(timeline):
        return TimelineError(
            f"The timeline in '{path.name}' holds sound but no picture. "
            "Export the sequence with its picture tracks."
        )
    return TimelineError(
        f"The timeline in '{path.name}' shows no picture: its picture tracks are empty or "
        "switched off."
    )


def _has_sound(timeline: otio.schema.Timeline) -> bool:
    return any(
        clip.enabled and not is_own(clip)
        for track in timeline.tracks
        if getattr(track, "kind", "") == otio.schema.TrackKind.Audio and track.enabled
        for clip in track.find_clips()
    )


def _rate_warnings(timeline: otio.schema.Timeline, path: Path) -> list[str]:
    assumed = timeline.metadata.get("emsync_otio", {}).get("assumed_rate")
    if assumed is None:
        return []
    return [
        f"'{path.name}' does not say at what rate it counts; "
        f"{float(Fraction(str(assumed))):.5g} frames per second fit its numbers. "
        "Give --rate if that is wrong."
    ]


def _boundaries(
    seen: Sequence[Stretch], rate: Fraction, duration: RationalTime
) -> tuple[Boundary, ...]:
    """Where the picture changes: between stretches, at edges of holes, in the middle of blends.

    A cut inside a running take (a through edit) counts: the editor made it, and often for a reason.
    """
    changes = [_edge(seen[0].start, seen[0].entered)]
    for earlier, later in pairwise(seen):
        if earlier.end == later.start:
            changes.append((later.start, later.entered or earlier.left))
            continue
        changes.append(_edge(earlier.end, earlier.left))
        changes.append(_edge(later.start, later.entered))
    if seen[-1].left is not None:
        changes.append(_edge(seen[-1].end, seen[-1].left))
    strongest: dict[int, Boundary] = {}
    for at, blend in changes:
        time = RationalTime.from_seconds(at, rate)
        if not 0 < time.value < duration.value:
            continue
        kind = blend.kind if blend else BoundaryKind.CUT
        strength = 1.0 if blend is None else float(1 / (1 + blend.length))
        known = strongest.get(time.value)
        if known is None or strength > known.strength:
            strongest[time.value] = Boundary(time, kind, strength)
    return tuple(strongest[frame] for frame in sorted(strongest))


def _edge(at: Seconds, blend: Blend | None) -> tuple[Seconds, Blend | None]:
    return (blend.middle, blend) if blend else (at, None)


def _shots(
    seen: Sequence[Stretch], rate: Fraction, duration: RationalTime, media: _MediaFinder
) -> tuple[ShotMedia, ...]:
    """What is shown, on whole frames, black where nothing is."""
    shots: list[ShotMedia] = []
    shown_to = 0
    for stretch in seen:
        first = max(RationalTime.from_seconds(stretch.start, rate).value, shown_to)
        last = min(RationalTime.from_seconds(stretch.end, rate).value, duration.value)
        if first >= last:
            continue
        if first > shown_to:
            shots.append(ShotMedia(_frames(shown_to, first, rate), None, None))
        shots.append(media.shot(stretch, _frames(first, last, rate)))
        shown_to = last
    return tuple(shots)


def _frames(first: int, last: int, rate: Fraction) -> TimeRange:
    return TimeRange(RationalTime(first, rate), RationalTime(last - first, rate))


class _MediaFinder:
    """Looks for the files of clips, once each, and counts those that are not there."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._found: dict[str, Path | None] = {}
        self._clips = 0
        self._offline = 0

    def shot(self, stretch: Stretch, record: TimeRange) -> ShotMedia:
        """The stretch with its file, where that is on this machine."""
        reference = stretch.clip.media_reference if stretch.clip is not None else None
        if isinstance(reference, otio.schema.GeneratorReference):
            return ShotMedia(record, None, None)
        self._clips += 1
        path = self._file(reference)
        if path is None:
            self._offline += 1
            return ShotMedia(record, None, None)
        if is_still(path.suffix):
            return ShotMedia(record, path, RationalTime(0, record.start.rate), Fraction(0))
        available = reference.available_range if reference is not None else None
        first = exact_seconds(available.start_time) if available is not None else Fraction(0)
        source = max(stretch.source - first, Fraction(0))
        # A clock that ticks exactly there: the media's own rate need not be the timeline's.
        start = RationalTime(source.numerator, Fraction(source.denominator))
        return ShotMedia(record, path, start, stretch.speed)

    def warnings(self) -> list[str]:
        """What to tell the user about missing media."""
        if not self._offline:
            return []
        return [
            f"The media of {self._offline} of {counted(self._clips, 'clip')} is offline; "
            "there the music follows the edit alone."
        ]

    def _file(self, reference: otio.core.MediaReference | None) -> Path | None:
        if not isinstance(reference, otio.schema.ExternalReference) or not reference.target_url:
            return None
        url = reference.target_url
        if url not in self._found:
            self._found[url] = find_media(url, self._folders)
        return self._found[url]
