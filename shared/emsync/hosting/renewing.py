"""A score made again after a re-edit: only what the picture changed is composed anew.

A cue over the same picture keeps its files byte for byte, and moves where its picture moved to.
In the others the bars over the same picture keep their notes.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from emsync import wire
from emsync.client import Client, Watcher
from emsync.cue import CueSheet
from emsync.errors import InputError, NotFoundError, TimelineError
from emsync.hosting.picture_file import picture_text
from emsync.hosting.placement import Placement, ScoreNote
from emsync.hosting.run_folder import NOTE_FILE, WHOLE_FILE, new_run, source_in
from emsync.hosting.scoring import (
    COMPOSED,
    SPOTTED,
    Studio,
    noted,
    part_of,
    take_of,
    write_text,
    write_whole,
)
from emsync.hosting.timeline import HostTimeline, Span
from emsync.hosting.wishes import with_mood
from emsync.score import Take

__all__ = ["Recutter", "Renewal", "RenewalOrder", "renewed"]


class Recutter(Protocol):
    """What only emsync's own Python can do of it: it reads timelines, and composes around bars."""

    def span_now(self, old: Path, old_whole: Path, whole: Path) -> tuple[float, float] | None:
        """Where in the whole new timeline the picture of an old part begins and ends, in seconds;
        None where it is gone. `old_whole` is the timeline that the part was of, if it is there."""

    def is_same(self, old: Path, new: Path, note: ScoreNote) -> bool:
        """Whether both show the same picture throughout, with the same markers to land on."""

    def compose(
        self,
        pictures: tuple[Path, Path],
        spotted: CueSheet,
        earlier: tuple[Take, Path],
        run: tuple[Client, Path],
        watch: Watcher,
    ) -> tuple[CueSheet, Take]:
        """The take carried over to the new picture, written into the run's folder, and the sheet.

        pictures: the old edit and the new one; earlier: the take, and the folder of its MIDI.
        """


@dataclass(frozen=True, slots=True)
class RenewalOrder:
    """All scores of a timeline to be made again where its picture is another now."""

    timeline: HostTimeline
    folder: str
    """Absolute path of the folder for this timeline's scores."""
    notes: tuple[ScoreNote, ...]
    """Of the scores that lie there."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """What is to be laid in place of what lies there, and what stays."""

    placements: tuple[Placement, ...] = ()
    lines: tuple[str, ...] = ()
    """Sentences about each cue: as it was, moved, made anew, or gone."""


def renewed(
    studio: Studio, order: RenewalOrder, recutter: Recutter | None, watch: Watcher
) -> Renewal:
    """Make the scores again. Cancelled it leaves nothing."""
    if recutter is None:
        raise InputError("Scores are made again by 'emsync host'. Install emsync again.")
    if not order.notes:
        raise NotFoundError("There is no score of emsync on this timeline. Score it first.")
    if not order.timeline.has_picture:
        raise TimelineError(
            f"The timeline '{order.timeline.name}' shows no picture: it is empty, or its picture "
            "tracks are switched off. Put the cut on it, and score again."
        )
    placements, lines = [], []
    for number, note in enumerate(order.notes):
        share = part_of(watch, number / len(order.notes), (number + 1) / len(order.notes))
        placement, line = _Renewing(studio, order, recutter, note).done(share)
        lines.append(line)
        placements += [placement] if placement is not None else []
    return Renewal(tuple(placements), tuple(lines))


@dataclass(frozen=True)
class _Renewing:
    """One score of the timeline."""

    studio: Studio
    order: RenewalOrder
    recutter: Recutter
    note: ScoreNote

    def done(self, watch: Watcher) -> tuple[Placement | None, str]:
        """What to lay, None where all stays as it lies; and a sentence."""
        name, old = self.note.sheet.cues[0].name, self._old_edit()
        watch(0.0, f"comparing the edits of '{name}'")
        self._refuse_other_rate(name)
        with tempfile.TemporaryDirectory(prefix="emsync-") as folder:
            span = self._span_now(old, Path(folder))
            if span is None:
                return None, (
                    f"The picture of '{name}' is gone from the timeline; its score lies where it "
                    "lay. Remove it, or undo the edit."
                )
            new = self._written(span, Path(folder), name)
            if self.recutter.is_same(old, new, self.note):
                return self._kept(name, span, watch)
        return self._changed(name, old, span, watch)

    def _kept(self, name: str, span: Span, watch: Watcher) -> tuple[Placement | None, str]:
        if span == self.note.span:
            return None, f"'{name}' is as it was: its picture did not change."
        placement = self.studio.placed(replace(self.note, span=span), self.note.take, watch)
        moved = span.start_frames - self.note.span.start_frames
        return placement, f"'{name}' moved by {moved:+d} frames with its picture, note for note."

    def _changed(self, name: str, old: Path, span: Span, watch: Watcher) -> tuple[Placement, str]:
        note, client = self.note, self.studio.client
        with new_run(Path(self.order.folder)) as run:
            new = self._written(span, run, name)
            if not note.is_whole:
                write_whole(run, self.order.timeline)
            spotted = client.spot(new, note.wishes.spot_settings(), part_of(watch, 0.0, SPOTTED))
            spotted = with_mood(spotted, note.wishes.mood)
            sheet, take = self.recutter.compose(
                (old, new),
                spotted,
                (take_of(note), Path(note.folder)),
                (client, run),
                part_of(watch, SPOTTED, COMPOSED),
            )
            write_text(run / "cues.json", wire.dumps(sheet))
            wishes = replace(note.wishes, takes=1)
            kept = noted(run, (span, note.is_whole), [take], wishes, sheet)
            write_text(run / NOTE_FILE, wire.dumps(kept))
            placement = self.studio.placed(kept, 1, part_of(watch, COMPOSED, 1.0))
        return placement, f"'{name}' follows the new edit."

    def _old_edit(self) -> Path:
        """The edit that was scored, as its run kept it."""
        return source_in(Path(self.note.folder), self.note.sheet.picture.source)

    def _span_now(self, old: Path, folder: Path) -> Span | None:
        timeline = self.order.timeline
        if self.note.is_whole:
            return Span(0, timeline.length_frames)
        written = write_whole(folder, timeline)
        found = self.recutter.span_now(old, old.with_name(WHOLE_FILE), written)
        if found is None:
            return None
        first, end = (round(each * timeline.rate) for each in found)
        first, end = max(first, 0), min(end, timeline.length_frames)
        return Span(first, end - first) if end > first else None

    def _written(self, span: Span, folder: Path, name: str) -> Path:
        path = folder / f"{name}.otio"
        write_text(path, picture_text(self.order.timeline, span))
        return path

    def _refuse_other_rate(self, name: str) -> None:
        then, now = self.note.sheet.picture.rate, self.order.timeline.rate
        if then != now:
            raise InputError(
                f"The timeline runs at {float(now):.5g} frames per second now, and '{name}' was "
                f"scored at {float(then):.5g}. Score the timeline anew."
            )
