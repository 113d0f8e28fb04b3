"""Scores of a host made again after a re-edit: what needs this Python of it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from threading import Event

from emsync.client import Client, Watcher
from emsync.cue import CueSheet
from emsync.hosting.placement import ScoreNote
from emsync.score import Take
from emsync.settings import ComposeSettings
from emsync_otio import kept_spans_of, read_edit
from emsync_server.composition import compose_conformed
from emsync_server.progress import Progress, ProgressSink
from emsync_server.recut import cue_now, is_unchanged, kept_in

__all__ = ["HostRecutter"]


class HostRecutter:
    """Compares edits, and composes around the bars that stay; a `Recutter` of the hosts."""

    def span_now(self, old: Path, old_whole: Path, whole: Path) -> tuple[float, float] | None:
        """Where the picture of a part begins and ends in the whole timeline now, in seconds.

        What was put in at an end of the part is the part's, what was cut off there is gone.
        """
        kept = kept_spans_of(old, whole)
        if not kept:
            return None
        picture = read_edit(old).picture
        first, last = kept[0], kept[-1]
        start, end = first.new_start, last.new_end
        lost = first.old_start, picture.duration.seconds - last.old_end
        if any(lost) and old_whole.is_file():
            begun = picture.start.seconds - read_edit(old_whole).picture.start.seconds
            ended = begun + picture.duration.seconds
            others = kept_spans_of(old_whole, whole)
            before = [s.new_end for s in others if s.old_end <= begun and s.new_end <= start]
            after = [s.new_start for s in others if s.old_start >= ended and s.new_start >= end]
            start = max(start - lost[0], *before, Fraction(0))
            end = min([end + lost[1], *after])
        return float(start), float(end)

    def is_same(self, old: Path, new: Path, note: ScoreNote) -> bool:
        """Whether both show the same picture throughout, with the same markers to land on."""
        before, after = (read_edit(path, markers=note.wishes.markers) for path in (old, new))
        cue = note.sheet.cues[0]
        marked = [[hit.time.value for hit in edit.hits] for edit in (before, after)]
        if marked[0] != marked[1] or before.picture.duration != after.picture.duration:
            return False
        return is_unchanged(cue, cue, kept_in(cue, cue, kept_spans_of(old, new)))

    def compose(
        self,
        pictures: tuple[Path, Path],
        spotted: CueSheet,
        earlier: tuple[Take, Path],
        run: tuple[Client, Path],
        watch: Watcher,
    ) -> tuple[CueSheet, Take]:
        """The take carried over to the new picture, and the sheet that says so."""
        (take, old_folder), (client, folder) = earlier, run
        kept = kept_spans_of(*pictures)
        former = CueSheet(take.picture, (), (take.cue,))
        cue = cue_now(take.cue, former, spotted, kept)
        sheet = replace(spotted, cues=(cue,))

        def composed(
            sheet: CueSheet, name: str, into: Path, settings: ComposeSettings, progress: Progress
        ) -> tuple[Take, ...]:
            return client.compose(sheet, name, into, settings, progress.report)

        made = compose_conformed(
            (sheet, cue),
            (take, old_folder),
            kept_in(take.cue, cue, kept),
            folder,
            composed,
            ProgressSink(watch, Event()),
        )
        return replace(sheet, cues=(made.take.cue,)), made.take
