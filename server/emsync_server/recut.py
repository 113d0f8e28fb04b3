"""A cue over a picture that was cut anew: where it is now, and what of its picture is as it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from emsync.cue import Cue, CueSheet, Hit, HitSource
from emsync.emotion import EmotionOverride
from emsync.errors import InputError
from emsync.timecode import RationalTime, TimeRange
from emsync_otio import KeptSpan
from emsync_server.composition import KeptPicture
from emsync_server.spotting.sheets import cue_name_of

__all__ = ["cue_now", "is_unchanged", "kept_in", "persons_emotions"]


def cue_now(old: Cue, sheet: CueSheet, spotted: CueSheet, kept: Sequence[KeptSpan]) -> Cue:
    """The cue where its picture is now, with the hits and the emotion that were spotted there."""
    before, now = sheet.picture.duration, spotted.picture.duration
    start = _moved(old.range.start, before, now, kept)
    end = _moved(old.range.end, before, now, kept)
    if end.value <= start.value:
        raise InputError(
            f"The picture of cue '{old.name}' is gone from the new edit. Score it without "
            "--again, or take the cue out of the earlier score's cues.json."
        )
    found = [hit for cue in spotted.cues for hit in cue.hits]
    inside = [hit for hit in found if start.seconds <= hit.time.seconds < end.seconds]
    persons = _persons_hits(old, kept, start, end)
    taken = {hit.time.value for hit in persons}
    hits = sorted(
        [*persons, *(hit for hit in inside if hit.time.value not in taken)],
        key=lambda hit: hit.time.seconds,
    )
    emotion = spotted.cues[0].emotion
    # Spotting names the one cue of a timeline after its file; what a person called it stays.
    was_named_by_us = len(sheet.cues) == 1 and old.name == cue_name_of(Path(sheet.picture.source))
    name = spotted.cues[0].name if was_named_by_us else old.name
    span = TimeRange(start, end - start)
    by_hand = persons_emotions(old, kept, span)
    return Cue(name, span, tuple(hits), emotion, old.brief, by_hand)


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


def kept_in(old: Cue, new: Cue, kept: Sequence[KeptSpan]) -> tuple[KeptPicture, ...]:
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


def is_unchanged(old: Cue, new: Cue, kept: Sequence[KeptPicture]) -> bool:
    """Whether a cue's picture is the same from its first frame to its last."""
    whole = KeptPicture(Fraction(0), Fraction(0), old.range.duration.seconds)
    return old.range.duration == new.range.duration and tuple(kept) == (whole,)
