"""The picture on top: nested, layered tracks become one row of stretches that an audience sees.

The topmost enabled picture wins; gaps and titles let through what lies below. Times are exact.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

import opentimelineio as otio

from emsync.errors import TimelineError
from emsync.picture import BoundaryKind
from emsync_otio.clock import Seconds, exact_seconds, seconds_range
from emsync_otio.looks import Looks, blend_kind_words, is_black, looks_of
from emsync_otio.ramps import RampPoint, ramp_of

__all__ = ["Blend", "Stretch", "flatten", "item_range", "shown_range", "speed_of"]

_DEEPEST = 64  # tracks and compounds; editors stop far earlier
_WIPE_WORDS = ("wipe", "slide", "push", "iris", "band", "luma", "clock", "swap", "spin", "split")
_FADE_WORDS = ("fade", "dip to", "dip_to")


@dataclass(frozen=True, slots=True)
class Blend:
    """A gradual change at one end of a stretch."""

    middle: Seconds
    length: Seconds
    kind: BoundaryKind


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of one clip, seen without interruption."""

    start: Seconds
    end: Seconds
    clip: otio.schema.Clip | None
    """None: something is there whose content the timeline does not tell."""
    source: Seconds
    """Time in the clip's own clock at `start`."""
    speed: Fraction
    is_opaque: bool
    entered: Blend | None = None
    left: Blend | None = None

    def cut_to(self, start: Seconds, end: Seconds) -> Stretch:
        """This stretch from `start` to `end`, which may also lie a little outside (handles)."""
        return replace(
            self,
            start=start,
            end=end,
            source=self.source + self.speed * (start - self.start),
            entered=self.entered if start <= self.start else None,
            left=self.left if end >= self.end else None,
        )


def flatten(stack: otio.schema.Stack) -> tuple[Stretch, ...]:
    """What is seen of a timeline's tracks, in order, without overlaps; holes are black."""
    try:
        seen = _placed(stack, Fraction(0), depth=0)
    except RecursionError as err:
        raise _too_deep() from err
    return tuple(_with_edges_in_blends(seen))


def item_range(item: otio.core.Item) -> tuple[Seconds, Seconds]:
    """Start and duration of what an item shows, in its own clock."""
    if item.source_range is not None:
        return seconds_range(item.source_range)
    if isinstance(item, otio.schema.Track):
        lengths = [item_range(child)[1] for child in item if isinstance(child, otio.core.Item)]
        return Fraction(0), sum(lengths, Fraction(0))
    if isinstance(item, otio.core.Composition):
        lengths = [item_range(child)[1] for child in item if isinstance(child, otio.core.Item)]
        return Fraction(0), max(lengths, default=Fraction(0))
    media = getattr(item, "media_reference", None)
    if media is not None and media.available_range is not None:
        return seconds_range(media.available_range)
    raise TimelineError(
        f"The clip '{item.name}' says neither how long it is nor how long its media is. "
        "Export the timeline again from the editor."
    )


def _too_deep() -> TimelineError:
    return TimelineError("The timeline nests compound clips too deeply to be read.")


def _placed(item: otio.core.Item, at: Seconds, depth: int) -> list[Stretch]:
    """What is seen of an item that begins at `at`, in its parent's clock."""
    if depth > _DEEPEST:
        raise _too_deep()
    if not item.enabled or isinstance(item, otio.schema.Gap):
        return []
    start, duration = shown_range(item)
    if duration == 0:
        return []
    speed = speed_of(item)
    if isinstance(item, otio.schema.Clip):
        looks = looks_of(item)
        if looks is Looks.NOTHING:
            return []
        return [Stretch(at, at + duration, item, start, speed, looks is Looks.OPAQUE)]
    if not len(item):
        return [Stretch(at, at + duration, None, start, speed, is_opaque=False)]
    content_of = _track_content if isinstance(item, otio.schema.Track) else _stack_content
    inside = content_of(item, depth + 1)
    if speed < 0 and start + speed * duration < 0:  # what comes before its first frame is nothing
        start -= speed * duration  # so its range is played from the end
    ramp = ramp_of(item)
    return _ramped(inside, ramp, at) if ramp else _mapped(inside, start, speed, at, at + duration)


def shown_range(item: otio.core.Item) -> tuple[Seconds, Seconds]:
    """A track's range may lie before all it holds (an EDL adapter wrote so): it plays from 0."""
    start, duration = item_range(item)
    if isinstance(item, otio.schema.Track) and start + duration <= 0:
        return Fraction(0), duration
    return start, duration


def speed_of(item: otio.core.Item) -> Fraction:
    """Media seconds per second of the timeline, from all of an item's time effects."""
    speed = Fraction(1)
    for effect in item.effects:
        if isinstance(effect, otio.schema.LinearTimeWarp):
            if not math.isfinite(effect.time_scalar):
                raise TimelineError(
                    f"The clip '{item.name}' plays at {effect.time_scalar} times its speed. "
                    "Export the timeline again from the editor."
                )
            speed *= Fraction(effect.time_scalar).limit_denominator(1_000_000)
    return speed


def _ramped(inside: Sequence[Stretch], ramp: Sequence[RampPoint], at: Seconds) -> list[Stretch]:
    """Stretches of a nested timeline, seen through a window whose speed changes at the points."""
    outcome: list[Stretch] = []
    for (begin, source), (end, later) in pairwise(ramp):
        speed = (later - source) / (end - begin)
        for piece in _mapped(inside, source, speed, at + begin, at + end):
            last = outcome[-1] if outcome else None
            if last is not None and _goes_on(last, piece):
                length = piece.end - last.start
                shown = piece.source + piece.speed * (piece.end - piece.start) - last.source
                outcome[-1] = replace(last, end=piece.end, speed=shown / length, left=piece.left)
            else:
                outcome.append(piece)
    return outcome


def _goes_on(last: Stretch, piece: Stretch) -> bool:
    """Whether two stretches are one take whose speed changes between them."""
    reached = last.source + last.speed * (last.end - last.start)
    return (
        last.clip is piece.clip
        and (last.end, reached) == (piece.start, piece.source)
        and last.left is None
        and piece.entered is None
    )


def _mapped(
    inside: Sequence[Stretch], origin: Seconds, speed: Fraction, at: Seconds, end: Seconds
) -> list[Stretch]:
    """Stretches of a nested timeline, seen through a window that plays them at `speed`."""
    if speed == 0:
        frozen = [stretch for stretch in inside if stretch.start <= origin < stretch.end]
        return [
            replace(
                still.cut_to(origin, still.end),
                start=at,
                end=end,
                speed=Fraction(0),
                entered=None,
                left=None,
            )
            for still in frozen
        ]
    if speed == 1 and at == origin and _lies_within(inside, at, end):
        return list(inside)
    outcome = []
    for stretch in inside if speed > 0 else reversed(inside):
        edges = sorted(at + (edge - origin) / speed for edge in (stretch.start, stretch.end))
        first, last = max(edges[0], at), min(edges[1], end)
        if first >= last:
            continue
        kept = stretch.cut_to(
            *sorted((origin + speed * (first - at), origin + speed * (last - at)))
        )
        blends = [_mapped_blend(blend, origin, speed, at) for blend in (kept.entered, kept.left)]
        entered, left = blends if speed > 0 else reversed(blends)
        source = kept.source if speed > 0 else kept.source + kept.speed * (kept.end - kept.start)
        outcome.append(
            replace(
                kept,
                start=first,
                end=last,
                source=source,
                speed=kept.speed * speed,
                entered=entered,
                left=left,
            )
        )
    return outcome


def _lies_within(inside: Sequence[Stretch], start: Seconds, end: Seconds) -> bool:
    """Whether nothing of a row in order reaches out of a window."""
    return not inside or (inside[0].start >= start and inside[-1].end <= end)


def _mapped_blend(
    blend: Blend | None, origin: Seconds, speed: Fraction, at: Seconds
) -> Blend | None:
    if blend is None:
        return None
    return Blend(at + (blend.middle - origin) / speed, blend.length / abs(speed), blend.kind)


def _stack_content(stack: otio.core.Composition, depth: int) -> list[Stretch]:
    """Layers from top to bottom: opaque pictures first, then overlays where nothing else is."""
    layers = [
        _placed(child, Fraction(0), depth)
        for child in reversed(list(stack))
        if isinstance(child, otio.core.Item) and _is_picture(child)
    ]
    seen: list[Stretch] = []
    for opaque in (True, False):
        for layer in layers:
            seen = _filled(seen, [stretch for stretch in layer if stretch.is_opaque is opaque])
    return seen


def _is_picture(child: otio.core.Item) -> bool:
    return not isinstance(child, otio.schema.Track) or child.kind == otio.schema.TrackKind.Video


def _filled(above: list[Stretch], below: list[Stretch]) -> list[Stretch]:
    """`above` with its holes filled by what `below` shows there; both in order."""
    if not above or not below:
        return above or below
    seen = list(above)
    index = 0
    for stretch in below:
        start = stretch.start
        while index > 0 and above[index - 1].end > start:
            index -= 1
        while index < len(above) and above[index].end <= start:
            index += 1
        while start < stretch.end:
            hole_end = above[index].start if index < len(above) else stretch.end
            if start < hole_end:
                seen.append(stretch.cut_to(start, min(hole_end, stretch.end)))
            if index >= len(above):
                break
            start = max(start, above[index].end)
            index += 1
    return sorted(seen, key=lambda piece: piece.start)


def _track_content(track: otio.core.Composition, depth: int) -> list[Stretch]:
    """A track's items one after another; a transition's clips meet at its middle."""
    seen: list[Stretch] = []
    at = Fraction(0)
    transition: otio.schema.Transition | None = None
    touches_picture = False  # whether the item before ends in a picture here
    for child in track:
        if isinstance(child, otio.schema.Transition):
            transition = child
            continue
        if not isinstance(child, otio.core.Item):
            continue
        pieces = _placed(child, at, depth)
        starts_here = bool(pieces) and pieces[0].start == at
        if transition is not None:
            _blend_in_place(
                seen if touches_picture else [], pieces if starts_here else [], transition, at
            )
        seen += pieces
        at += item_range(child)[1]
        touches_picture = bool(pieces) and pieces[-1].end == at
        transition = None
    if transition is not None:
        _blend_in_place(seen if touches_picture else [], [], transition, at)
    return _without_overlaps(seen)


def _without_overlaps(seen: list[Stretch]) -> list[Stretch]:
    """A fade longer than the gap it runs through ends where the next picture begins."""
    ends = [later.start for later in seen[1:]] + [stretch.end for stretch in seen[-1:]]
    cut = [
        stretch if stretch.end <= end else stretch.cut_to(stretch.start, end)
        for stretch, end in zip(seen, ends, strict=True)
    ]
    return [stretch for stretch in cut if stretch.start < stretch.end]


def _blend_in_place(
    before: list[Stretch], after: list[Stretch], transition: otio.schema.Transition, cut: Seconds
) -> None:
    """Let the last of `before` and the first of `after` meet in a transition."""
    incoming, outgoing = exact_seconds(transition.in_offset), exact_seconds(transition.out_offset)
    kind = _blend_kind(transition)
    if before and after:
        middle = cut + (outgoing - incoming) / 2
        middle = min(max(middle, before[-1].start), after[0].end)
        is_to_black = is_black(before[-1].clip) or is_black(after[0].clip)
        if kind is BoundaryKind.DISSOLVE and is_to_black:
            kind = BoundaryKind.FADE
        blend = Blend(middle, incoming + outgoing, kind)
        before[-1] = replace(before[-1].cut_to(before[-1].start, middle), left=blend)
        after[0] = replace(after[0].cut_to(middle, after[0].end), entered=blend)
        return
    fade_kind = BoundaryKind.FADE if kind is BoundaryKind.DISSOLVE else kind
    if after:
        start, stretch = cut - incoming, after[0]
        blend = Blend(start + (incoming + outgoing) / 2, incoming + outgoing, fade_kind)
        after[0] = replace(stretch.cut_to(max(start, Fraction(0)), stretch.end), entered=blend)
    elif before:
        end, stretch = cut + outgoing, before[-1]
        blend = Blend(end - (incoming + outgoing) / 2, incoming + outgoing, fade_kind)
        before[-1] = replace(stretch.cut_to(stretch.start, end), left=blend)


def _blend_kind(transition: otio.schema.Transition) -> BoundaryKind:
    words = blend_kind_words(transition)
    if any(word in words for word in _WIPE_WORDS):
        return BoundaryKind.WIPE
    if any(word in words for word in _FADE_WORDS) and "cross" not in words:
        return BoundaryKind.FADE
    return BoundaryKind.DISSOLVE


def _with_edges_in_blends(seen: list[Stretch]) -> list[Stretch]:
    """A picture that fades in over another one (a track above) meets it in the fade's middle."""
    outcome = list(seen)
    for index, (earlier, later) in enumerate(pairwise(seen)):
        blend = later.entered or earlier.left
        if earlier.end != later.start or blend is None or blend.middle == later.start:
            continue
        middle = min(max(blend.middle, earlier.start), later.end)
        kind = BoundaryKind.DISSOLVE if blend.kind is BoundaryKind.FADE else blend.kind
        moved = replace(blend, middle=middle, kind=kind)
        outcome[index] = replace(outcome[index].cut_to(outcome[index].start, middle), left=moved)
        outcome[index + 1] = replace(later.cut_to(middle, later.end), entered=moved)
    return [stretch for stretch in outcome if stretch.start < stretch.end]
