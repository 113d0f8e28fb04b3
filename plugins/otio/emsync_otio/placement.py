"""Stems onto a timeline: a copy of it with new tracks, read back before it gets its name."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio

from emsync import wire
from emsync.counted import counted
from emsync.cue import CueSheet
from emsync.errors import CueSheetError, OutputError, TimelineError
from emsync.timecode import RationalTime, counts_drop_frame, timecode_of
from emsync_otio.belonging import check_belongs
from emsync_otio.clock import Seconds
from emsync_otio.flattening import item_range
from emsync_otio.keeping import Aspect, lost_aspects
from emsync_otio.laying import (
    PlacedCue,
    PlacedHit,
    PlacedStem,
    film_timeline,
    lay_cue_in_place,
    sheet_metadata,
)
from emsync_otio.media_paths import PathStyle, bare_path, file_url, find_media
from emsync_otio.opening import TIMELINE_SUFFIXES, open_timeline
from emsync_otio.own import OWN_KEY, clear_own_in_place, is_own, own_tracks_of, plain
from emsync_otio.picture_size import (
    PictureSize,
    SizeOfFilm,
    measure_picture_in_place,
    picture_size,
    said_picture_size,
)
from emsync_otio.reading import edit_of, picture_rate, start_timecode
from emsync_otio.saving import check_writable, needs_picture_size, save_timeline

__all__ = ["PlacementReport", "is_timeline", "place", "read_placed_sheet"]


@dataclass(frozen=True, slots=True)
class PlacementReport:
    """What was laid, as it reads back from the written file."""

    path: Path
    rate: Fraction
    start: RationalTime
    """Timecode of the picture's first frame, as a count at `rate`."""
    stems: tuple[PlacedStem, ...]
    hits: tuple[PlacedHit, ...]
    replaced: int
    """Stems of earlier runs that were taken out."""
    assumed_size: PictureSize | None = None
    """Of the picture in a new file, where neither the timeline nor its media told."""
    lost: tuple[str, ...] = ()
    """What the written kind of file does not hold of the timeline, and of the score."""
    unmarked: int = 0
    """Hits without a marker of ours: one of the user's lies on their frame, and the kind of file
    takes one."""

    @property
    def summary(self) -> str:
        """One line for the terminal."""
        words = [counted(len(self.stems), "stem"), counted(len(self.hits), "hit")]
        if self.stems:
            first = min((stem.record.start for stem in self.stems), key=lambda time: time.seconds)
            at = self.start + first
            words.append(f"from {timecode_of(at, drop_frame=counts_drop_frame(self.start))}")
        if self.replaced:
            words.append(f"{counted(self.replaced, 'stem')} of an earlier run replaced")
        return ", ".join(words)


def is_timeline(path: Path) -> bool:
    """Whether a file is a timeline by its name; anything else is taken for a film."""
    return path.suffix.lower() in TIMELINE_SUFFIXES


def place(
    timeline: Path | None,
    sheet: CueSheet,
    placed: Sequence[PlacedCue],
    out: Path,
    *,
    rate: Fraction | None = None,
    force: bool = False,
    paths: PathStyle = PathStyle.AUTO,
    size_of: SizeOfFilm | None = None,
) -> PlacementReport:
    """Lay stems and hits on a copy of a timeline at `out`; None: on a new one that shows the film.

    What the user had stays where and as it was; what an earlier run of emsync laid is replaced.
    `rate` is for EDLs, which state none. A score of another edit is refused unless `force`.
    `paths` says how files are named in .otio and .otioz. What the editor's own file becomes is of
    the suffix of `out`: the same kind is added to, another is written anew, with a picture as large
    as the timeline says, or else as `size_of` finds its media.
    Raises TimelineError, NotFoundError, OutputError, InputError.
    """
    check_writable(out)
    if timeline is None:
        laid = film_timeline(sheet, out)
        replaced = 0
    else:
        _check_distinct(timeline, out)
        laid = open_timeline(timeline, rate or _rate_when_spotted(timeline, sheet))
        replaced = clear_own_in_place(laid)
        if not force:
            check_belongs(sheet, edit_of(laid, timeline), timeline)
        _keep_media_reachable_in_place(laid, timeline, out)
    frame_rate = sheet.picture.rate if timeline is None else picture_rate(laid)
    zero = item_range(laid.tracks)[0] if laid.tracks.source_range else Fraction(0)
    stems: list[PlacedStem] = []
    hits: list[PlacedHit] = []
    for one in placed:
        new_stems, new_hits = lay_cue_in_place(laid, one, frame_rate, _reference_base(out), zero)
        stems += new_stems
        hits += new_hits
    laid.metadata[OWN_KEY] = sheet_metadata(sheet, placed)
    folders = [out.parent] if timeline is None else [timeline.parent]
    is_new = needs_picture_size(timeline, out)
    if is_new and said_picture_size(laid) is None and size_of is not None:
        measure_picture_in_place(laid, folders, size_of)
    _spell_paths_in_place(laid, paths, folders)
    theirs = _fingerprint(laid)
    lost: list[Aspect] = []
    unmarked = 0

    def check(reread: otio.schema.Timeline) -> None:
        nonlocal unmarked
        unmarked = len(hits) - sum(map(is_own, reread.tracks.markers))
        _check_placed(reread, report, zero, theirs, out)
        if out.suffix.lower() != ".otio":  # which was just found to be the same
            lost.extend(lost_aspects(laid, reread, frame_rate))

    report = PlacementReport(
        out,
        frame_rate,
        start_timecode(laid, frame_rate),
        tuple(stems),
        tuple(hits),
        replaced,
        picture_size(laid) if is_new and said_picture_size(laid) is None else None,
    )
    save_timeline(
        laid,
        out,
        check,
        rate=frame_rate,
        source=timeline,
    )
    return replace(report, lost=tuple(aspect.value for aspect in lost), unmarked=unmarked)


def read_placed_sheet(path: Path) -> CueSheet:
    """The cue sheet of a timeline that emsync scored. Raises TimelineError where it did not."""
    timeline = open_timeline(path)  # keeps its metadata alive
    own = _exact_metadata(path) or plain(timeline.metadata.get(OWN_KEY))
    if not isinstance(own, dict) or "cue_sheet" not in own:
        raise TimelineError(
            f"'{path.name}' holds no score of emsync. Name a timeline that 'emsync place' wrote."
        )
    return wire.cue_sheet_from_dict(own["cue_sheet"], origin=f"The cue sheet inside '{path.name}'")


def _exact_metadata(path: Path) -> object:
    """Our metadata by Python's JSON: OpenTimelineIO's reader is off in the last digit of floats."""
    if path.suffix.lower() == ".otio":
        text = path.read_text(encoding="utf-8")
    elif path.suffix.lower() == ".otioz":
        with zipfile.ZipFile(path) as bundle:
            text = bundle.read("content.otio").decode("utf-8")
    else:
        return None
    document = json.loads(text)
    return document.get("metadata", {}).get(OWN_KEY) if isinstance(document, dict) else None


def _rate_when_spotted(timeline: Path, sheet: CueSheet) -> Fraction | None:
    """An EDL is laid at the rate at which its cue sheet was made, stated or assumed."""
    spotted = Path(sheet.picture.source)
    return sheet.picture.rate if spotted.name == timeline.name else None


def _check_distinct(timeline: Path, out: Path) -> None:
    if out.exists() and timeline.exists() and out.samefile(timeline):
        raise OutputError(
            f"'{out}' is the timeline itself, which stays as it is. Name another file with -o."
        )


def _reference_base(out: Path) -> Path:
    """References are relative to the written file; in a bundle or XML, absolute."""
    return out if out.suffix.lower() == ".otio" else Path(out.anchor or "/") / "nowhere" / out.name


def _keep_media_reachable_in_place(timeline: otio.schema.Timeline, source: Path, out: Path) -> None:
    """References relative to the user's timeline break in another folder: file URLs there."""
    if source.resolve().parent == out.resolve().parent and out.suffix.lower() == ".otio":
        return
    for clip in timeline.find_clips():
        media = clip.media_reference
        if not isinstance(media, otio.schema.ExternalReference) or not media.target_url:
            continue
        if "://" in media.target_url or Path(media.target_url).is_absolute():
            continue
        found = find_media(media.target_url, [source.parent])
        if found is not None:
            media.target_url = found.as_uri()


def _spell_paths_in_place(
    timeline: otio.schema.Timeline, style: PathStyle, folders: Sequence[Path]
) -> None:
    """Name every file as an editor wants it; what is relative becomes whole first."""
    if style is PathStyle.AUTO:
        return
    for clip in timeline.find_clips():
        media = clip.media_reference
        if not isinstance(media, otio.schema.ExternalReference) or not media.target_url:
            continue
        path = bare_path(media.target_url)
        found = find_media(media.target_url, folders) if "://" not in media.target_url else None
        path = str(found) if found is not None else path
        media.target_url = path if style is PathStyle.BARE else file_url(path)


def _fingerprint(timeline: otio.schema.Timeline) -> list[str]:
    """The user's tracks and markers as text, to see that they came through unchanged."""
    things = [*timeline.tracks, *timeline.tracks.markers]
    texts = (thing.to_json_string(indent=-1) for thing in things if not is_own(thing))
    # OpenTimelineIO's JSON reader (0.18.1) is off in a float's last digit; 12 digits it keeps.
    return [json.dumps(json.loads(text, parse_float=_rounded)) for text in texts]


def _rounded(text: str) -> float:
    return float(f"{float(text):.12g}")


def _check_placed(
    reread: otio.schema.Timeline,
    report: PlacementReport,
    zero: Seconds,
    theirs: list[str],
    out: Path,
) -> None:
    """Compare what was written with what was meant; a format that loses something is refused."""
    if out.suffix.lower() == ".otio" and _fingerprint(reread) != theirs:
        raise OutputError(f"'{out.name}' did not keep the timeline as it was; nothing was written.")
    found = {(own.get("cue"), own.get("family")): span for own, span in _own_spans(reread)}
    for stem in report.stems:
        meant = (stem.record.start.seconds + zero, stem.record.duration.seconds)
        if found.get((stem.cue, stem.family.value)) != meant:
            raise OutputError(
                f"The stem '{stem.track}' cannot be kept to the frame in '{out.name}'; "
                "nothing was written. Write the timeline as .otio."
            )
    if out.suffix.lower() != ".xml" and plain(reread.metadata.get(OWN_KEY)) is None:
        raise CueSheetError(f"'{out.name}' did not keep the cue sheet; nothing was written.")


def _own_spans(
    timeline: otio.schema.Timeline,
) -> Iterator[tuple[Mapping[str, object], tuple[Seconds, Seconds]]]:
    """What each stem says of itself, and its start and length."""
    for track in own_tracks_of(timeline):
        at = Fraction(0)
        for child in track:
            if not isinstance(child, otio.core.Item):
                continue
            _, duration = item_range(child)
            if is_own(child):
                yield child.metadata[OWN_KEY], (at, duration)
            at += duration
