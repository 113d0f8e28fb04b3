"""A score made again after a re-edit: what the picture did not change stays, note for note.

Cues over the same picture keep their files byte for byte, wherever they lie now. In the others the
bars over the same picture keep their notes, and those between are composed anew.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from emsync import wire
from emsync.cue import Cue, CueSheet, Hit, HitSource
from emsync.emotion import EmotionOverride
from emsync.errors import InputError, NotFoundError
from emsync.score import Take
from emsync.stem import StemSet
from emsync.timecode import RationalTime, TimeRange
from emsync_otio import KeptSpan, PlacedCue, is_timeline, kept_spans_of
from emsync_server.app import (
    SHARES,
    Scored,
    ScoreSettings,
    cue_folder,
    finished,
    landing_in,
    placed_in_editors_file,
)
from emsync_server.composition import KeptPicture, compose_conformed
from emsync_server.outputs import write_text
from emsync_server.progress import Progress
from emsync_server.rpc.steps import LocalSteps, Steps

__all__ = ["Again", "persons_emotions", "score_again"]


@dataclass(frozen=True, slots=True)
class Again:
    """What a re-score left, and how much of it is as it was."""

    scored: Scored
    unchanged_cues: tuple[str, ...]
    """Their MIDI and stems are the same bytes as before."""
    kept_bars: int
    """In the other cues, bars whose notes are the same as before."""
    all_bars: int
    """Of the other cues."""


@dataclass(frozen=True, slots=True)
class _Old:
    """The earlier score of one cue."""

    cue: Cue
    take: Take
    stems: StemSet
    folder: Path


def score_again(
    source: Path,
    earlier: Path,
    folder: Path,
    settings: ScoreSettings,
    progress: Progress,
    steps: Steps | None = None,
) -> Again:
    """Score the new version of a timeline into `folder`, from the score of the old one in
    `earlier`, which stays as it is unless both are one folder.

    Raises the steps' errors, and InputError where the two cannot be compared.
    """
    steps = steps or LocalSteps()
    sheet, olds = _earlier_score(source, earlier)
    with landing_in(folder) as working:
        spotted = steps.spot(source, settings.spot, progress.part(0.0, SHARES["spot"]))
        _check_comparable(sheet, spotted, source)
        kept = kept_spans_of(earlier / "timeline.otio", source)
        cues = tuple(_cue_now(old, sheet, spotted, kept) for old in olds)
        new_sheet = replace(spotted, cues=cues)
        write_text(working / "cues.json", wire.dumps(new_sheet))
        placed, unchanged, kept_bars, all_bars = [], [], 0, 0
        making = progress.part(SHARES["spot"], SHARES["render"])
        for index, (old, cue) in enumerate(zip(olds, cues, strict=True)):
            inside = cue_folder(new_sheet, cue, working)
            part = making.part(index / len(cues), (index + 1) / len(cues))
            same = _kept_in(old.cue, cue, kept)
            if _is_unchanged(old.cue, cue, same):
                placed.append(_carried(old, replace(new_sheet, cues=cues), cue, inside))
                unchanged.append(cue.name)
                continue
            inside.mkdir(parents=True, exist_ok=True)
            made = compose_conformed(
                (new_sheet, cue),
                (old.take, old.folder),
                same,
                inside,
                steps.compose,
                part.part(0.0, 0.7),
            )
            kept_bars += made.kept_bars
            all_bars += len(made.take.tempo_map.bars())
            new_sheet = replace(
                new_sheet,
                cues=tuple(
                    made.take.cue if one.name == cue.name else one for one in new_sheet.cues
                ),
            )
            stems = steps.render(inside / "take.json", inside, settings.render, part.part(0.7, 1.0))
            placed.append(PlacedCue(made.take, stems, inside))
        write_text(working / "cues.json", wire.dumps(new_sheet))
        scored = finished(source, folder, working, new_sheet, placed, progress)
    placed_in_editors_file(source, scored)
    return Again(scored, tuple(unchanged), kept_bars, all_bars)


def _earlier_score(source: Path, earlier: Path) -> tuple[CueSheet, list[_Old]]:
    if not is_timeline(source):
        raise InputError(
            f"'{source.name}' is a film: what of it is new cannot be told. Score a timeline of it, "
            "or score the film without --again."
        )
    for name in ("cues.json", "timeline.otio"):
        if not (earlier / name).is_file():
            raise NotFoundError(
                f"'{earlier}' holds no earlier score of a timeline: it has no {name}. "
                "Name the folder that 'emsync score' wrote for the old edit."
            )
    sheet = wire.read_cue_sheet(earlier / "cues.json")
    olds = []
    for cue in sheet.cues:
        inside = cue_folder(sheet, cue, earlier)
        take, stems = (
            wire.read_take(inside / "take.json"),
            wire.read_stem_set(inside / "stems.json"),
        )
        olds.append(_Old(take.cue, take, stems, inside))
    return sheet, olds


def _check_comparable(old: CueSheet, new: CueSheet, source: Path) -> None:
    if old.picture.rate != new.picture.rate:
        raise InputError(
            f"'{source.name}' runs at {float(new.picture.rate):.5g} frames per second, the earlier "
            f"score at {float(old.picture.rate):.5g}. Score it without --again."
        )


def _cue_now(old: _Old, sheet: CueSheet, spotted: CueSheet, kept: Sequence[KeptSpan]) -> Cue:
    """The cue where its picture is now, with the hits and the emotion that were spotted there."""
    before, now = sheet.picture.duration, spotted.picture.duration
    start = _moved(old.cue.range.start, before, now, kept)
    end = _moved(old.cue.range.end, before, now, kept)
    if end.value <= start.value:
        raise InputError(
            f"The picture of cue '{old.cue.name}' is gone from the new edit. Score it without "
            "--again, or take the cue out of the earlier score's cues.json."
        )
    found = [hit for cue in spotted.cues for hit in cue.hits]
    inside = [hit for hit in found if start.seconds <= hit.time.seconds < end.seconds]
    persons = _persons_hits(old.cue, kept, start, end)
    taken = {hit.time.value for hit in persons}
    hits = sorted(
        [*persons, *(hit for hit in inside if hit.time.value not in taken)],
        key=lambda hit: hit.time.seconds,
    )
    emotion = spotted.cues[0].emotion
    span = TimeRange(start, end - start)
    by_hand = persons_emotions(old.cue, kept, span)
    return Cue(old.cue.name, span, tuple(hits), emotion, old.cue.brief, by_hand)


def _persons_hits(
    cue: Cue, kept: Sequence[KeptSpan], start: RationalTime, end: RationalTime
) -> list[Hit]:
    """Hits that a person set, where their picture is now."""
    moved = []
    for hit in cue.hits:
        span = next((s for s in kept if s.old_start <= hit.time.seconds < s.old_end), None)
        if hit.source is not HitSource.PERSON or span is None:
            continue
        time = RationalTime.from_seconds(hit.time.seconds + span.shift, start.rate)
        if start.seconds <= time.seconds < end.seconds:
            moved.append(replace(hit, time=time))
    return moved


def persons_emotions(
    cue: Cue, kept: Sequence[KeptSpan], now: TimeRange
) -> tuple[EmotionOverride, ...]:
    """Emotions that a person set, where their picture is now; what held over a change holds on
    both sides of it."""
    rate = now.start.rate
    moved = []
    for override in cue.overrides:
        at = override.time.seconds
        until = at if override.end is None else override.end.seconds
        for span in kept:
            first, last = max(at, span.old_start), min(until, span.old_end)
            start = RationalTime.from_seconds(first + span.shift, rate)
            end = RationalTime.from_seconds(last + span.shift, rate)
            if override.end is None and first == at < span.old_end and now.contains(start):
                moved.append(replace(override, time=start))
            elif first < last and start < end and start < now.end and now.start < end:
                moved.append(replace(override, time=start, end=min(end, now.end)))
    return tuple(moved)


def _moved(
    time: RationalTime, before: RationalTime, now: RationalTime, kept: Sequence[KeptSpan]
) -> RationalTime:
    """Where a moment of the old picture is now; both ends stay the ends."""
    if time.value <= 0:
        return RationalTime(0, now.rate)
    if time.seconds >= before.seconds:
        return now
    inside = [span for span in kept if span.old_start <= time.seconds <= span.old_end]
    earlier = [span for span in kept if span.old_end <= time.seconds]
    shift = (inside or earlier)[-1].shift if inside or earlier else Fraction(0)
    moved = time.seconds + shift
    return RationalTime.from_seconds(min(max(moved, Fraction(0)), now.seconds), now.rate)


def _kept_in(old: Cue, new: Cue, kept: Sequence[KeptSpan]) -> tuple[KeptPicture, ...]:
    """The unchanged picture of a cue, from its start; cut at markers that are new or gone."""
    before, after = old.range, new.range
    changed = _changed_markers(old, new, kept)
    spans = []
    for span in kept:
        first = max(span.old_start, before.start.seconds, after.start.seconds - span.shift)
        last = min(span.old_end, before.end.seconds, after.end.seconds - span.shift)
        edges = [first, *(t for t in changed if first < t < last), last]
        for left, right in pairwise(edges):
            if left < right:
                here = left - before.start.seconds
                spans.append(
                    KeptPicture(here, left + span.shift - after.start.seconds, right - left)
                )
    return tuple(spans)


def _changed_markers(old: Cue, new: Cue, kept: Sequence[KeptSpan]) -> list[Fraction]:
    """Moments of the old picture where the editor set a marker since, or took one away."""

    def frames(cue: Cue) -> set[int]:
        return {hit.time.value for hit in cue.hits if hit.source is HitSource.MARKER}

    rate = new.range.start.rate
    changed = set()
    for span in kept:
        shift = RationalTime.from_seconds(span.shift, rate).value
        here = {f for f in frames(old) if span.old_start <= f / rate < span.old_end}
        there = {f - shift for f in frames(new) if span.new_start <= f / rate < span.new_end}
        changed |= here ^ there
    return sorted(frame / rate for frame in changed)


def _is_unchanged(old: Cue, new: Cue, kept: Sequence[KeptPicture]) -> bool:
    """Whether a cue's picture is the same from its first frame to its last."""
    whole = KeptPicture(Fraction(0), Fraction(0), old.range.duration.seconds)
    return old.range.duration == new.range.duration and tuple(kept) == (whole,)


def _carried(old: _Old, sheet: CueSheet, cue: Cue, inside: Path) -> PlacedCue:
    """The earlier files of a cue, with its new place in the take."""
    shift = cue.range.start - old.cue.range.start
    hits = tuple(replace(hit, time=hit.time + shift) for hit in old.cue.hits)
    take = replace(old.take, picture=sheet.picture, cue=replace(cue, hits=hits))
    inside.mkdir(parents=True, exist_ok=True)
    for name in (take.midi, "stems.json", old.stems.mix, *(s.path for s in old.stems.stems)):
        (inside / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(old.folder / name, inside / name)
    write_text(inside / "take.json", wire.dumps(take))
    return PlacedCue(take, old.stems, inside)
