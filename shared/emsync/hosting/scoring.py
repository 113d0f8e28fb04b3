"""The main job as a host runs it: its timeline in, what to lay on it out.

Everything here works on values and on the files of a run's folder; no host is touched, and the
server does the work.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from emsync import __version__, wire
from emsync.client import Client, Watcher
from emsync.counted import counted
from emsync.cue import CueSheet
from emsync.errors import NotFoundError, OutputError, TimelineError
from emsync.hosting.picture_file import picture_text
from emsync.hosting.placement import Placement, ScoreNote, placement_of, read_note
from emsync.hosting.run_folder import (
    NOTE_FILE,
    WHOLE_FILE,
    begun_runs,
    copy_take,
    file_name,
    keep_source,
    new_run,
    read_note_text,
    take_path,
)
from emsync.hosting.timeline import HostTimeline, Span
from emsync.hosting.wishes import (
    Wishes,
    tempo_bpm_of,
    with_key_of,
    with_mood,
    with_tempo_of,
)
from emsync.score import Take
from emsync.stem import StemSet

__all__ = [
    "COMPOSED",
    "SPOTTED",
    "Ducker",
    "Order",
    "Studio",
    "noted",
    "part_of",
    "take_of",
    "write_text",
    "write_whole",
]

SPOTTED, COMPOSED = 0.35, 0.8  # where each step ends, as a share of the time

Ducker = Callable[[Path, StemSet], Sequence[Path]]
"""Writes each stem of a folder with its gain under the dialogue applied; the new files in order."""


@dataclass(frozen=True, slots=True)
class Order:
    """One score, as the person in the host orders it."""

    timeline: HostTimeline
    folder: str
    """Absolute path of the folder for this timeline's scores."""
    wishes: Wishes
    span: Span | None = None
    """None: the whole timeline."""
    former: ScoreNote | None = None
    """The score that lies there now, where its key or tempo is to be kept."""

    @property
    def scored(self) -> Span:
        """The stretch to score; raises TimelineError where there is nothing."""
        timeline = self.timeline
        if not timeline.has_picture or timeline.length_frames <= 0:
            raise TimelineError(
                f"The timeline '{timeline.name}' shows no picture: it is empty, or its picture "
                "tracks are switched off. Put the cut on it, and score again."
            )
        whole = Span(0, timeline.length_frames)
        if self.span is None:
            return whole
        if not self.span.overlaps(whole):
            raise TimelineError(
                "The range that was chosen lies outside the timeline. Set in and out points "
                "inside it, or score the whole timeline."
            )
        first = max(self.span.start_frames, 0)
        return Span(first, min(self.span.end_frames, whole.end_frames) - first)

    @property
    def cue_name(self) -> str:
        """The timeline's name; for a part of it, with the frame where that begins."""
        name = file_name(self.timeline.name)
        return name if self.is_whole else f"{name} {self.scored.start_frames}"

    @property
    def is_whole(self) -> bool:
        """Whether that is all of the timeline."""
        return self.scored == Span(0, self.timeline.length_frames)


@dataclass(frozen=True)
class Studio:
    """The jobs that a host gives, done by a server."""

    client: Client
    ducker: Ducker | None = None
    """None: a host that can automate gain needs no ducked files."""

    def score(self, order: Order, watch: Watcher) -> Placement:
        """Spot, compose and render. Cancelled it leaves nothing; failed, its takes at the most."""
        span = order.scored
        with new_run(Path(order.folder)) as run:
            source = run / f"{order.cue_name}.otio"
            write_text(source, picture_text(order.timeline, span))
            if not order.is_whole:
                write_whole(run, order.timeline)
            spotted = self.client.spot(
                source, order.wishes.spot_settings(), part_of(watch, 0.0, SPOTTED)
            )
            sheet = _alike(with_mood(spotted, order.wishes.mood), order)
            write_text(run / "cues.json", wire.dumps(sheet))
            takes = self._composed(sheet, run, order.wishes, None, watch)
            note = noted(run, (span, order.is_whole), takes, order.wishes, sheet)
            write_text(run / NOTE_FILE, wire.dumps(note))
            return self.placed(note, 1, part_of(watch, COMPOSED, 1.0))

    def choose(self, note: ScoreNote, number: int, watch: Watcher) -> Placement:
        """Another take of a score that lies there; rendered where it was not yet."""
        if not 1 <= number <= note.takes:
            raise NotFoundError(
                f"The score has {counted(note.takes, 'take')}; there is no take {number}. "
                "Choose another."
            )
        return self.placed(note, number, watch)

    def regenerate(
        self, note: ScoreNote, where: Span | tuple[int, int], seed: int, watch: Watcher
    ) -> Placement:
        """Bars written anew, in a run of its own; the others keep their notes.

        where: a stretch of the timeline, or the first bar, from 1, and the first that stays.
        """
        take = take_of(note)
        bars = _bars_in(take, where, note) if isinstance(where, Span) else _known(take, where)
        wishes = replace(note.wishes, seed=seed, takes=1)
        with new_run(Path(note.folder).parent) as run:
            copy_take(Path(note.folder), note.take, run)
            keep_source(Path(note.folder), note.sheet.picture.source, run)
            write_text(run / "cues.json", wire.dumps(note.sheet))
            takes = self._composed(note.sheet, run, wishes, bars, watch)
            new = noted(run, (note.span, note.is_whole), takes, wishes, note.sheet)
            write_text(run / NOTE_FILE, wire.dumps(new))
            return self.placed(new, 1, part_of(watch, COMPOSED, 1.0))

    def resume(self, folder: Path, watch: Watcher) -> Placement:
        """The newest score in a folder whose host closed before it was laid."""
        for run in begun_runs(folder):
            note = replace(read_note(read_note_text(run)), folder=str(run))
            return self.placed(note, note.take, watch)
        raise NotFoundError(f"There is no finished take in '{folder}'. Score the timeline.")

    def _composed(
        self,
        sheet: CueSheet,
        run: Path,
        wishes: Wishes,
        bars: tuple[int, int] | None,
        watch: Watcher,
    ) -> tuple[Take, ...]:
        name = sheet.cues[0].name
        settings = wishes.compose_settings(bars)
        begun = 0.0 if bars else SPOTTED
        return self.client.compose(sheet, name, run, settings, part_of(watch, begun, COMPOSED))

    def placed(self, note: ScoreNote, number: int, watch: Watcher) -> Placement:
        """Render a take of a run, unless that was done, and say where it goes."""
        run = Path(note.folder)
        rendered = run / f"stems-{number}"
        stems = _rendered(rendered)
        if stems is None:
            path = take_path(run, number)
            stems = self.client.render(path, rendered, note.wishes.render_settings(), watch)
        ducked = self.ducker(rendered, stems) if self.ducker and stems.ducking.points else ()
        note = replace(note, take=number, synthesizer=stems.synthesizer)
        take = wire.read_take(take_path(run, number))
        return placement_of(take, stems, rendered, note, tuple(ducked))


def _rendered(folder: Path) -> StemSet | None:
    """The stems that lie there whole already."""
    listed = folder / "stems.json"
    if not listed.is_file():
        return None
    stems = wire.read_stem_set(listed)
    return stems if all((folder / stem.path).is_file() for stem in stems.stems) else None


def take_of(note: ScoreNote) -> Take:
    """The take that lies on the timeline."""
    return wire.read_take(take_path(Path(note.folder), note.take))


def _bars_in(take: Take, span: Span, note: ScoreNote) -> tuple[int, int]:
    """First bar, from 1, and the first bar after, of those that a stretch touches."""
    rate = take.picture.rate
    zero_s = take.cue.range.start.seconds + note.span.start_frames / rate
    start_s, end_s = span.start_frames / rate - zero_s, span.end_frames / rate - zero_s
    tempo_map = take.tempo_map
    touched = [
        bar.index
        for bar in tempo_map.bars()
        if tempo_map.seconds_at(bar.start_q) < end_s
        and tempo_map.seconds_at(bar.start_q + bar.length_q) > start_s
    ]
    if not touched:
        raise TimelineError(
            f"The range that was chosen lies outside the cue '{take.cue.name}'. Set in and out "
            "points where its music plays."
        )
    return touched[0] + 1, touched[-1] + 2


def _known(take: Take, bars: tuple[int, int]) -> tuple[int, int]:
    """Bars that the take has; raises TimelineError."""
    last = len(take.tempo_map.bars())
    if not 1 <= bars[0] < bars[1] <= last + 1:
        raise TimelineError(
            f"'{take.cue.name}' has bars 1 to {last}; bars {bars[0]} to {bars[1] - 1} do not all "
            "lie in it. Name others."
        )
    return bars


def noted(
    run: Path, scored: tuple[Span, bool], takes: Sequence[Take], wishes: Wishes, sheet: CueSheet
) -> ScoreNote:
    """What is to be kept of a run, the best take chosen. scored: what, and whether all of it."""
    best = takes[0]
    return ScoreNote(
        version=__version__,
        folder=str(run),
        span=scored[0],
        take=1,
        takes=len(takes),
        seed=best.seed,
        model=best.model,
        synthesizer="",
        wishes=wishes,
        sheet=sheet,
        is_whole=scored[1],
        offers=tuple(map(_offer, takes)),
    )


def _alike(sheet: CueSheet, order: Order) -> CueSheet:
    """The sheet that asks for what is to be kept of the score that lies there."""
    if order.former is None or not (order.wishes.keep_key or order.wishes.keep_tempo):
        return sheet
    former = take_of(order.former)
    if order.wishes.keep_key:
        sheet = with_key_of(sheet, former)
    return with_tempo_of(sheet, former) if order.wishes.keep_tempo else sheet


def _offer(take: Take) -> str:
    known = [str(take.key)] if take.key else []
    bars = len(take.tempo_map.bars())
    return ", ".join([*known, f"{tempo_bpm_of(take):.0f} bpm", counted(bars, "bar")])


def write_whole(run: Path, timeline: HostTimeline) -> Path:
    """The whole timeline beside a part of it."""
    path = run / WHOLE_FILE
    write_text(path, picture_text(timeline, Span(0, timeline.length_frames)))
    return path


def part_of(watch: Watcher, first: float, last: float) -> Watcher:
    """A watcher of one share of the work, who tells the whole's."""
    return lambda fraction, note: watch(first + (last - first) * fraction, note)


def write_text(path: Path, text: str) -> None:
    """A file of a run; raises OutputError."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as err:
        raise OutputError(
            f"'{path}' cannot be written ({err.strerror or err}). Choose another folder."
        ) from err
