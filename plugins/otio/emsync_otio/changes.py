"""What two versions of an edit have in common: stretches that show the same picture at their time.

Compared is what an audience sees: file, place in the file, speed, transitions. Tracks, names and
paths may differ, for editors rename and move them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import PureWindowsPath

import opentimelineio as otio

from emsync_otio.clock import Seconds
from emsync_otio.flattening import Blend, Stretch, flatten
from emsync_otio.media_paths import bare_path

__all__ = ["KeptSpan", "kept_spans"]

_LEAST_S = Fraction(1, 4)
"""What is shorter is no picture that one recognises."""
_PART_S = 10
"""Media is looked up by parts of so many seconds: a film that is cut 20,000 times from one file
would else be compared 400 million times."""
_FEW = 12
"""Of many repetitions of one picture so many are compared, on each side of the one that has the
same rank from the start or from the end."""


@dataclass(frozen=True, slots=True)
class KeptSpan:
    """A stretch of picture that both edits show."""

    old_start: Seconds
    new_start: Seconds
    length: Seconds

    @property
    def shift(self) -> Seconds:
        """By how much later the new edit shows it."""
        return self.new_start - self.old_start

    @property
    def old_end(self) -> Seconds:
        """Where it ends in the old edit."""
        return self.old_start + self.length

    @property
    def new_end(self) -> Seconds:
        """Where it ends in the new edit."""
        return self.new_start + self.length


def kept_spans(old: otio.schema.Timeline, new: otio.schema.Timeline) -> tuple[KeptSpan, ...]:
    """What both edits show, in the same order, as much as possible; seconds of picture time."""
    before, after = flatten(old.tracks), flatten(new.tracks)
    chain = _longest_chain(list(_common(before, after)))
    merged = _merged(chain, before, after)
    return tuple(span for span in merged if span.length >= _LEAST_S)


def _common(before: Sequence[Stretch], after: Sequence[Stretch]) -> Iterator[KeptSpan]:
    """Every part of a stretch of the one edit that a stretch of the other shows too."""
    olds, news = _by_key(before), _by_key(after)
    for key, shown in olds.items():
        fitting = news.get(key, [])
        in_part = _by_part_of_media(fitting)
        for rank, old in enumerate(shown):
            found = sorted({at for part in _parts_of_media(old) for at in in_part.get(part, ())})
            if len(found) > 2 * _FEW:
                behind = len(fitting) - len(shown)
                found = [at for at in found if min(abs(at - rank), abs(at - rank - behind)) <= _FEW]
            for at in found:
                span = _meeting(old, fitting[at])
                if span is not None:
                    yield span


def _by_key(edit: Sequence[Stretch]) -> dict[tuple[str, Fraction], list[Stretch]]:
    """What an edit shows of each file at each speed, in order."""
    pieces: dict[tuple[str, Fraction], list[Stretch]] = defaultdict(list)
    for piece in edit:
        pieces[_key(piece)].append(piece)
    return pieces


def _by_part_of_media(pieces: Sequence[Stretch]) -> dict[int, list[int]]:
    """Which of these stretches show anything of each part of their media."""
    found: dict[int, list[int]] = defaultdict(list)
    for at, piece in enumerate(pieces):
        for part in _parts_of_media(piece):
            found[part].append(at)
    return found


def _parts_of_media(piece: Stretch) -> range:
    """The parts of its media, counted, that a stretch shows."""
    ends = piece.source, piece.source + piece.speed * (piece.end - piece.start)
    return range(int(min(ends) // _PART_S), int(max(ends) // _PART_S) + 1)


def _meeting(old: Stretch, new: Stretch) -> KeptSpan | None:
    """What both show, and when; None where that is nothing."""
    if old.speed == 0:
        if old.source != new.source:
            return None
        return KeptSpan(old.start, new.start, min(old.end - old.start, new.end - new.start))
    # The moment of `new` at which it shows what `old` shows at its start.
    meets = new.start + (old.source - new.source) / old.speed
    shift = meets - old.start
    start = max(old.start, new.start - shift)
    end = min(old.end, new.end - shift)
    return KeptSpan(start, start + shift, end - start) if start < end else None


def _longest_chain(spans: list[KeptSpan]) -> list[KeptSpan]:
    """Of all spans those that follow one another in both edits and last longest together."""
    spans = sorted(spans, key=lambda span: (span.old_end, span.new_end))
    # A table of the best chains by where they end in the new edit: ends and totals both rise.
    ends: list[Seconds] = [Fraction(0)]
    totals: list[Seconds] = [Fraction(0)]
    chains: list[tuple[KeptSpan, object] | None] = [None]
    # By where they end in the old edit, as the spans are.
    waiting: deque[tuple[Seconds, Seconds, Seconds, tuple[KeptSpan, object]]] = deque()
    for span in spans:
        while waiting and waiting[0][0] <= span.old_start:
            _, end, total, chain = waiting.popleft()
            _enter_in_place(ends, totals, chains, (end, total, chain))
        at = bisect_left(ends, span.new_start + Fraction(1, 10**9)) - 1
        total = totals[at] + span.length
        waiting.append((span.old_end, span.new_end, total, (span, chains[at])))
    for _, end, total, chain in waiting:
        _enter_in_place(ends, totals, chains, (end, total, chain))
    best: object = chains[-1]
    chosen = []
    while isinstance(best, tuple):
        chosen.append(best[0])
        best = best[1]
    return chosen[::-1]


def _enter_in_place(
    ends: list[Seconds],
    totals: list[Seconds],
    chains: list[tuple[KeptSpan, object] | None],
    entry: tuple[Seconds, Seconds, tuple[KeptSpan, object]],
) -> None:
    """Add a chain to the table, and drop those that end no sooner and are no longer."""
    end, total, chain = entry
    at = bisect_left(ends, end)
    if totals[at - 1] >= total or (at < len(ends) and ends[at] == end and totals[at] >= total):
        return
    stop = at
    while stop < len(ends) and totals[stop] <= total:
        stop += 1
    ends[at:stop], totals[at:stop], chains[at:stop] = [end], [total], [chain]


def _merged(
    chain: list[KeptSpan], before: Sequence[Stretch], after: Sequence[Stretch]
) -> list[KeptSpan]:
    """Neighbours as one where nothing else lies between them and they meet alike in both edits."""
    old_starts, new_starts = ([piece.start for piece in edit] for edit in (before, after))
    merged: list[KeptSpan] = []
    for span in chain:
        span = _without_changed_blend(span, before, after, old_starts, new_starts)
        last = merged[-1] if merged else None
        if last is not None and last.shift == span.shift and last.old_end <= span.old_start:
            is_next = last.old_end == span.old_start or (
                _is_black(before, old_starts, last.old_end, span.old_start)
                and _is_black(after, new_starts, last.new_end, span.new_start)
            )
            if is_next:
                length = span.old_end - last.old_start
                merged[-1] = KeptSpan(last.old_start, last.new_start, length)
                continue
        if span.length > 0:
            merged.append(span)
    return merged


def _without_changed_blend(
    span: KeptSpan,
    before: Sequence[Stretch],
    after: Sequence[Stretch],
    old_starts: list[Seconds],
    new_starts: list[Seconds],
) -> KeptSpan:
    """A span less its head or tail, where one edit dissolves there and the other does not."""
    old = before[bisect_left(old_starts, span.old_start + Fraction(1, 10**9)) - 1]
    new = after[bisect_left(new_starts, span.new_start + Fraction(1, 10**9)) - 1]
    head = _difference(old.entered, new.entered) if old.start == span.old_start else Fraction(0)
    tail = _difference(old.left, new.left) if old.end == span.old_end else Fraction(0)
    length = max(span.length - head - tail, Fraction(0))
    return KeptSpan(span.old_start + head, span.new_start + head, length)


def _difference(one: Blend | None, other: Blend | None) -> Seconds:
    """How far from its middle a transition reaches that only one edit has so."""
    lengths = [each.length if each else Fraction(0) for each in (one, other)]
    kinds = [each.kind if each else None for each in (one, other)]
    same = lengths[0] == lengths[1] and kinds[0] == kinds[1]
    return Fraction(0) if same else max(lengths) / 2


def _is_black(edit: Sequence[Stretch], starts: list[Seconds], begin: Seconds, end: Seconds) -> bool:
    """Whether an edit shows nothing from `begin` to `end`."""
    at = bisect_left(starts, end) - 1
    return at < 0 or edit[at].end <= begin


def _key(piece: Stretch) -> tuple[str, Fraction]:
    """What a stretch shows: the file's name, or what else it is called. Paths change, and so do
    suffixes, where a proxy becomes the film."""
    clip = piece.clip
    if clip is None:
        return "", piece.speed
    media = clip.media_reference
    target = media.target_url if isinstance(media, otio.schema.ExternalReference) else ""
    name = PureWindowsPath(bare_path(target)).stem.casefold() if target else ""
    return name or clip.name, piece.speed
