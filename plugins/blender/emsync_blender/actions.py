# SPDX-License-Identifier: GPL-3.0-or-later
"""What the buttons do, on any host that can be read and laid on; plain, and tested without one."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from emsync import wire
from emsync.client import Client, ProcessTransport, Watcher
from emsync.counted import counted
from emsync.errors import EmsyncError, NotFoundError
from emsync.hosting import (
    Done,
    Failed,
    FoundStem,
    HostTimeline,
    Job,
    JobEvent,
    Order,
    Placement,
    Progressed,
    Renewal,
    RenewalOrder,
    ScoreNote,
    Span,
    Studio,
    Wishes,
    diagnose,
    differences,
)

from .telling import Telling

__all__ = ["Host", "Scope", "Session", "command_of"]


class Host(Protocol):
    """What an editor can do for us."""

    def read(self) -> HostTimeline:
        """Its timeline now."""

    def score_folder(self) -> Path:
        """Where the scores of this project go."""

    def place(self, placement: Placement) -> None:
        """Lay a score, all of it or nothing."""

    def found(self, cue: str) -> tuple[FoundStem, ...]:
        """What lies there of a cue."""

    def remove(self, cue: str) -> int:
        """Take a cue out; how many stems that were."""

    def notes(self) -> dict[str, ScoreNote]:
        """The scores that lie there, by their cue."""


class Scope(Enum):
    """What will be scored; the members' names are the panel's words."""

    WHOLE = "whole timeline"
    RANGE = "between in and out points"
    SELECTION = "from the first selected clip to the last"


Work = Callable[[Watcher], Placement | Renewal]


def connected() -> Client:
    """A client through `emsync rpc`: the host's interpreter has no gRPC."""
    return Client(ProcessTransport())


def handed(request: dict[str, Any], watch: Watcher) -> object:
    """A whole job through `emsync host`: comparing edits needs emsync's own Python."""
    return ProcessTransport().run_job(request, watch)


def command_of(words: str, path: str) -> list[str] | None:
    """How to run emsync, as the preferences say: a program whose path may hold spaces and
    backslashes, or a command line. None where they say nothing."""
    if not words:
        return None
    if Path(path).is_file():
        return [path]
    return shlex.split(words, posix=os.name == "posix")


@dataclass
class Session:
    """One job at a time for one host. The host's thread calls everything here."""

    host: Host
    connect: Callable[[], Client] = connected
    hand: Callable[[dict[str, Any], Watcher], object] = handed
    job: Job[Placement | Renewal] | None = field(default=None, init=False)

    def score(self, wishes: Wishes, scope: Scope = Scope.WHOLE, cue: str | None = None) -> None:
        """Begin a score of the timeline, or of a part of it."""
        timeline = self.host.read()
        former = self.host.notes().get(cue) if cue else None
        order = Order(
            timeline, str(self.host.score_folder()), wishes, _span(timeline, scope), former
        )
        _ = order.scored  # refused here rather than in the thread
        self._begin(lambda studio, watch: studio.score(order, watch))

    def choose(self, cue: str, take: int) -> None:
        """Begin to lay another take of a score that lies there."""
        note = self._note(cue)
        self._begin(lambda studio, watch: studio.choose(note, take, watch))

    def regenerate(self, cue: str, seed: int, bars: tuple[int, int] | None = None) -> None:
        """Begin to write bars anew: those named, the second not included, else those between in
        and out points."""
        note = self._note(cue)
        where = bars or _span(self.host.read(), Scope.RANGE)
        assert where is not None
        self._begin(lambda studio, watch: studio.regenerate(note, where, seed, watch))

    def renew(self) -> None:
        """Begin to make all scores again whose picture was edited since."""
        notes = tuple(self.host.notes().values())
        if not notes:
            raise NotFoundError("There is no score on this timeline. Score it first.")
        order = RenewalOrder(self.host.read(), str(self.host.score_folder()), notes)
        request = {"renew": wire.to_dict(order)}

        def run(watch: Watcher) -> Renewal:
            return wire.from_dict(Renewal, self.hand(request, watch), origin="'emsync host'")

        self.job = Job(run)

    def resume(self) -> None:
        """Begin to lay what was finished when the host closed."""
        folder = self.host.score_folder()
        self._begin(lambda studio, watch: studio.resume(folder, watch))

    def cancel(self) -> None:
        """Ask the job to stop."""
        if self.job is not None:
            self.job.cancel()

    def pump(self) -> Telling | None:
        """Take what happened since; lay the score when it is done. None: nothing new."""
        last = None
        for event in self.job.events() if self.job is not None else ():
            last = self._told(event)
            if last.is_over:
                self.job = None
                break
        return last

    def remove(self, cue: str) -> str:
        """Take a score out; a sentence that says so."""
        count = self.host.remove(cue)
        return f"{counted(count, 'stem')} of '{cue}' removed; the files stay in its folder."

    def diagnose(self) -> tuple[str, ...]:
        """What is wrong, in lines."""
        return diagnose(self.connect)

    def _begin(self, work: Callable[[Studio, Watcher], Placement]) -> None:
        def run(watch: Watcher) -> Placement | Renewal:
            with self.connect() as client:
                return work(Studio(client), watch)

        self.job = Job(run)

    def _told(self, event: JobEvent[Placement | Renewal]) -> Telling:
        if isinstance(event, Progressed):
            return Telling(event.fraction, _progress_line(event))
        if isinstance(event, Done):
            result = event.result
            return self._renewed(result) if isinstance(result, Renewal) else self._laid(result)
        if isinstance(event, Failed):
            return Telling(0.0, event.sentence, is_over=True, is_failure=True)
        return Telling(0.0, "Cancelled; nothing was left behind.", is_over=True)

    def _laid(self, placement: Placement) -> Telling:
        try:
            self.host.place(placement)
        except EmsyncError as err:
            return Telling(1.0, err.sentence, is_over=True, is_failure=True)
        odd = differences(placement, self.host.found(placement.cue))
        exact = sum(mark.color == "GREEN" for mark in placement.marks)
        locked = sum(mark.error_frames is not None for mark in placement.marks)
        stems = counted(len(placement.stems), "stem")
        line = f"{stems} laid; {exact} of {locked} locked hits are exact."
        return Telling(1.0, line, (*odd, *placement.warnings), is_over=True, is_laid=True)

    def _renewed(self, renewal: Renewal) -> Telling:
        """Lay what changed; what did not stays untouched. The first that cannot be laid ends it."""
        is_laid, warnings = False, list(renewal.lines[1:])
        for placement in renewal.placements:
            told = self._laid(placement)
            warnings += told.warnings
            if told.is_failure:
                return Telling(1.0, told.line, tuple(warnings), True, is_laid, True)
            is_laid = True
        return Telling(1.0, renewal.lines[0], tuple(warnings), is_over=True, is_laid=is_laid)

    def _note(self, cue: str) -> ScoreNote:
        note = self.host.notes().get(cue)
        if note is None:
            raise NotFoundError(f"There is no score '{cue}' on this timeline. Score it first.")
        return note


def _span(timeline: HostTimeline, scope: Scope) -> Span | None:
    if scope is Scope.RANGE:
        if timeline.range is None:
            raise NotFoundError("There is no range. Set in and out points, or choose another part.")
        return timeline.range
    if scope is Scope.SELECTION:
        if timeline.selection is None:
            raise NotFoundError("No strip is selected. Select some, or choose another part.")
        return timeline.selection
    return None


def _progress_line(event: Progressed) -> str:
    if event.remaining_s is None:
        return event.note
    minutes, seconds = divmod(round(event.remaining_s), 60)
    return f"{event.note} – {minutes}:{seconds:02} left"
