"""The main job: all steps in a row, from a film or timeline to a folder with the score."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from emsync import wire
from emsync.cue import Cue, CueSheet
from emsync.errors import CueSheetError, OutputError
from emsync.score import Take
from emsync.settings import ComposeSettings, RenderSettings, SpotSettings
from emsync.stem import StemSet
from emsync_otio import WRITABLE_SUFFIXES, PlacedCue, is_timeline, place
from emsync_server.evaluation import evaluate, write_pictures, write_report
from emsync_server.evaluation.emotion_page import write_emotion_pages
from emsync_server.keeping import check_not_sources, replace_in_folder
from emsync_server.media import probe_film
from emsync_server.outputs import translated_os_errors, working_folder, write_text
from emsync_server.progress import Progress
from emsync_server.rendering import FILM_SUFFIXES, PlacedMix, mux_scored
from emsync_server.rpc.steps import LocalSteps, Steps

__all__ = [
    "SHARES",
    "ScoreSettings",
    "Scored",
    "check_score_folder",
    "cue_folder",
    "finished",
    "landing_in",
    "lay_under_film",
    "placed_in_editors_file",
    "score",
]

SHARES = {"spot": 0.35, "compose": 0.75, "render": 0.88, "mux": 0.95, "report": 1.0}
"""Where each step of the main job ends, as a share of its time (BENCHMARKS.md, 'Time')."""


@dataclass(frozen=True, slots=True)
class ScoreSettings:
    """What the main job is told; one value for each step."""

    spot: SpotSettings = field(default_factory=SpotSettings)
    compose: ComposeSettings = field(default_factory=ComposeSettings)
    render: RenderSettings = field(default_factory=RenderSettings)


@dataclass(frozen=True, slots=True)
class Scored:
    """What the main job left in its folder."""

    folder: Path
    sheet: CueSheet
    takes: tuple[Take, ...]
    """The best take of each cue."""
    stems: tuple[StemSet, ...]
    film: Path | None
    """The film with its score; None for a timeline, whose editor plays the stems."""


def score(
    source: Path,
    folder: Path,
    settings: ScoreSettings,
    progress: Progress,
    steps: Steps | None = None,
    *,
    sheet: CueSheet | None = None,
) -> Scored:
    """Score a film or a timeline into `folder`, whole or not at all.

    sheet: what a person made of an earlier look at this source; None looks anew.
    Raises the steps' errors: MediaError, TimelineError, OutputError, JobCancelledError, …
    """
    steps = steps or LocalSteps()
    _refuse_another_score(source, folder)
    check_score_folder(source, folder)
    if sheet is not None and Path(sheet.picture.source) != source:
        raise CueSheetError(
            f"The cue sheet is of '{sheet.picture.source}', not of '{source}'. Where that is the "
            'same picture in another place, write under "picture" in the cue sheet: '
            f'"source": {json.dumps(str(source), ensure_ascii=False)}. Else give the cue sheet '
            "that 'emsync spot' wrote of this one."
        )
    if sheet is not None and not sheet.cues:
        raise CueSheetError(
            f"The cue sheet of '{source}' has no cues, so there is nothing to compose. Let 'emsync "
            "spot' make it anew."
        )
    with landing_in(folder) as working:
        sheet = sheet or steps.spot(source, settings.spot, progress.part(0.0, SHARES["spot"]))
        write_text(working / "cues.json", wire.dumps(sheet))
        placed = _score_cues(sheet, working, settings, progress, steps)
        scored = finished(source, folder, working, sheet, placed, progress)
    placed_in_editors_file(source, scored)
    return scored


def finished(
    source: Path,
    folder: Path,
    working: Path,
    sheet: CueSheet,
    placed: Sequence[PlacedCue],
    progress: Progress,
) -> Scored:
    """Film, timeline and report of the cues that lie in `working`, on their way to `folder`."""
    film = None
    if not is_timeline(source):
        muxing = progress.part(SHARES["render"], SHARES["mux"])
        film = mux_scored(source, _mixes(placed), working / "scored", muxing)
    place(source if film is None else None, sheet, placed, working / "timeline.otio")
    reporting = progress.part(SHARES["mux"], SHARES["report"])
    reporting.report(0.0, "measuring")
    for cue in placed:
        report = evaluate(cue.folder, sheet)
        write_report(report, cue.folder / "report.json")
        write_pictures(cue.folder, sheet, report)
    if sheet.shots:
        write_emotion_pages(sheet, working / "cues.json")
    reporting.report(1.0, "done")
    return Scored(
        folder,
        sheet,
        tuple(cue.take for cue in placed),
        tuple(cue.stems for cue in placed),
        folder / film.name if film else None,
    )


def placed_in_editors_file(source: Path, scored: Scored) -> Path | None:
    """The score in a file (or bundle) of the editor's own kind, such as `timeline.fcpxml`, beside
    the .otio.

    None where emsync does not write that kind, or that is .otio. Files are named by whole paths
    there, so it is done when the stems have come to their folder.
    """
    suffix = source.suffix.lower()
    if scored.film is not None or suffix == ".otio" or suffix not in WRITABLE_SUFFIXES:
        return None
    placed = [
        PlacedCue(take, stems, cue_folder(scored.sheet, take.cue, scored.folder))
        for take, stems in zip(scored.takes, scored.stems, strict=True)
    ]
    out = scored.folder / f"timeline{suffix}"
    place(source, scored.sheet, placed, out)
    return out


def lay_under_film(
    film: Path,
    sheet: CueSheet,
    placed: Sequence[PlacedCue],
    out: Path,
    progress: Progress,
    *,
    force: bool = False,
) -> Path:
    """A film with rendered takes under it, as `score` lays them; returns the written file.

    The container is that of `out`; one that suits the picture where `out` has no suffix. Takes of
    another film are refused unless `force`. Raises CueSheetError, OutputError and what
    `mux_scored` raises; nothing is left behind then.
    """
    probe_film(film)  # what is no film is told before whose score it is
    if not force and Path(sheet.picture.source) != film:
        raise CueSheetError(
            f"The score was made for '{sheet.picture.source}', not for '{film}'. Spot and compose "
            "again for this film, or lay the music under it all the same with --force."
        )
    if out.suffix and out.suffix.lower() not in FILM_SUFFIXES:
        raise OutputError(
            f"'{out.name}' is no name for a film with its score: that is {', '.join(FILM_SUFFIXES)}"
            ", or has no suffix. Name such a file with -o."
        )
    if out.is_dir():
        raise OutputError(f"'{out}' is a folder. Name a file in it with -o.")
    suffixes = (out.suffix,) if out.suffix else FILM_SUFFIXES
    written = [out.with_suffix(suffix) for suffix in suffixes]
    check_not_sources(written, film, Path(sheet.picture.source))
    return mux_scored(film, _mixes(placed), out.with_suffix(out.suffix.lower()), progress)


def _mixes(placed: Sequence[PlacedCue]) -> list[PlacedMix]:
    """The mix of each cue, which makes room for the production sound, and where it plays."""
    return [PlacedMix(cue.folder / cue.stems.mix, cue.take.cue.range.start) for cue in placed]


def cue_folder(sheet: CueSheet, cue: Cue, folder: Path) -> Path:
    """Where a cue's files go: the folder itself, or one inside it for each of several cues."""
    return folder if len(sheet.cues) == 1 else folder / cue.name


def _score_cues(
    sheet: CueSheet, working: Path, settings: ScoreSettings, progress: Progress, steps: Steps
) -> Sequence[PlacedCue]:
    """Compose and render each cue in turn."""
    placed = []
    for index, cue in enumerate(sheet.cues):
        inside = cue_folder(sheet, cue, working)
        composing = progress.part(SHARES["spot"], SHARES["compose"])
        rendering_ = progress.part(SHARES["compose"], SHARES["render"])
        share = (index / len(sheet.cues), (index + 1) / len(sheet.cues))
        takes = steps.compose(sheet, cue.name, inside, settings.compose, composing.part(*share))
        stems = steps.render(inside / "take.json", inside, settings.render, rendering_.part(*share))
        placed.append(PlacedCue(takes[0], stems, inside))
    return placed


@contextmanager
def landing_in(folder: Path) -> Iterator[Path]:
    """A working folder inside `folder`; its contents move up when all is done, or vanish."""
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"'{folder}' is a file; name a folder for the score with -o.")
    made = not folder.exists()
    done = False
    try:
        with working_folder(folder) as working:
            yield working
            with translated_os_errors(folder):
                _forget_old_stems(folder)
                for entry in sorted(working.iterdir()):
                    replace_in_folder(entry, folder / entry.name)
            done = True
    finally:
        if made and not done and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def check_score_folder(source: Path, folder: Path) -> None:
    """Raise OutputError where the film or timeline lies under a name that its score would take."""
    films = [folder / f"scored{suffix}" for suffix in FILM_SUFFIXES]
    timelines = [folder / f"timeline{suffix}" for suffix in {".otio", source.suffix.lower()}]
    check_not_sources([*films, *timelines], source)


def _refuse_another_score(source: Path, folder: Path) -> None:
    """A folder that holds the score of another film is left alone."""
    if not (folder / "cues.json").is_file():
        return
    try:
        held = wire.read_cue_sheet(folder / "cues.json").picture.source
    except CueSheetError:
        held = "something else"
    if Path(held) != source:
        raise OutputError(
            f"'{folder}' holds the score of '{held}'. Choose another folder with -o, or remove it."
        )


def _forget_old_stems(folder: Path) -> None:
    """Remove the last run's stems, and no other file that lies beside them."""
    for listed in folder.glob("stems.json"):
        with suppress(CueSheetError):
            for stem in wire.read_stem_set(listed).stems:
                (folder / stem.path).unlink(missing_ok=True)
