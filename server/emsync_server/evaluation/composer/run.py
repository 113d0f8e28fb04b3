"""All experiments in a row, and what is left of them: a table, a JSON file and a gallery."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence, Set
from enum import Enum
from pathlib import Path

from emsync import __version__
from emsync_server.composition import Composer, load_composer
from emsync_server.evaluation.composer.boundaries import measure_boundaries
from emsync_server.evaluation.composer.emotion_curve import measure_curves
from emsync_server.evaluation.composer.emotion_grid import compose_grid, measure_emotion
from emsync_server.evaluation.composer.extent import FULL, Extent
from emsync_server.evaluation.composer.findings import Finding, Row, plain
from emsync_server.evaluation.composer.gallery import Shown, show, write_gallery
from emsync_server.evaluation.composer.gallery_cues import exhibits
from emsync_server.evaluation.composer.long_form import measure_long_form
from emsync_server.evaluation.composer.obedience import measure_obedience
from emsync_server.evaluation.composer.plausibility import (
    compose_styles,
    measure_endings,
    measure_plausibility,
)
from emsync_server.evaluation.composer.ranking import measure_ranking
from emsync_server.evaluation.composer.studio import Studio, open_studio
from emsync_server.midi import write_midi
from emsync_server.outputs import working_folder, write_text
from emsync_server.progress import Progress

__all__ = ["EVERYTHING", "FACTS", "TABLE", "Experiment", "evaluate_composer", "markdown"]

FACTS, TABLE, GALLERY, SCORES = "composer.json", "composer.md", "gallery", "scores"
SHARES = {
    "grid": 0.18,
    "emotion": 0.04,
    "curves": 0.03,
    "boundaries": 0.22,
    "styles": 0.08,
    "obedience": 0.03,
    "ranking": 0.28,
    "long": 0.04,
    "gallery": 0.10,
}
"""What each part of a full run takes of its time."""


class Experiment(Enum):
    """What can be measured alone."""

    EMOTION = "emotion"
    CURVES = "curves"
    BOUNDARIES = "boundaries"
    PLAUSIBILITY = "plausibility"
    ENDINGS = "endings"
    OBEDIENCE = "obedience"
    RANKING = "ranking"
    LONG_FORM = "long-form"
    GALLERY = "gallery"


EVERYTHING = frozenset(Experiment)


def evaluate_composer(
    folder: Path,
    progress: Progress,
    *,
    extent: Extent = FULL,
    workers: int = 1,
    composer: Composer | None = None,
    sound: bool = True,
    only: Set[Experiment] = EVERYTHING,
) -> tuple[Row, ...]:
    """Compose for every claim and measure it; write `composer.json`, `composer.md`, the scores and
    the gallery to `folder`, all or nothing. Same weights, same figures.

    composer: None loads the one that emsync ships. sound: whether the gallery is rendered.
    only: what to measure.
    """
    started = time.monotonic()
    parts = _Parts(progress, _needed(only))
    with (
        working_folder(folder) as working,
        open_studio(workers, composer, extent.first_seed) as studio,
    ):
        findings = _findings(studio, extent, working / SCORES, parts, only)
        rows = tuple(row for finding in findings for row in finding.rows)
        if Experiment.GALLERY in only:
            shown = _shown(studio, extent, working / GALLERY, parts("gallery"), sound)
            write_gallery(working / GALLERY, shown, rows)
        facts = {
            "version": __version__,
            "weights": (composer or load_composer()).identity,
            "extent": extent,
            "only": None if only == EVERYTHING else sorted(one.value for one in only),
            "minutes": (time.monotonic() - started) / 60,
            "rows": rows,
            "findings": {finding.name: finding.facts for finding in findings},
        }
        write_text(working / FACTS, json.dumps(plain(facts), indent=1, ensure_ascii=False) + "\n")
        write_text(working / TABLE, markdown(rows))
        _deliver(working, folder)
    return rows


def markdown(rows: Sequence[Row]) -> str:
    """The table of claims, for BENCHMARKS.md."""
    marks = {True: "yes", False: "**no**", None: ""}
    lines = ["| claim | measured | bar | met |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {_cell(row.claim)} | {_cell(row.figure)} | {_cell(row.bar)} | {marks[row.met]} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def _findings(
    studio: Studio, extent: Extent, scores: Path, part: _Parts, only: Set[Experiment]
) -> list[Finding]:
    """Every experiment that is wanted; the scores that the corpus is searched for are kept."""
    needed = _needed(only)
    findings: list[Finding] = []
    grid = compose_grid(studio, extent, part("grid")) if "grid" in needed else []
    if Experiment.EMOTION in only:
        findings.append(measure_emotion(grid, extent, part("emotion")))
    if Experiment.CURVES in only:
        findings.append(measure_curves(studio, extent, part("curves")))
    if Experiment.BOUNDARIES in only:
        findings.append(measure_boundaries(studio, extent, part("boundaries")))
    styles = compose_styles(studio, extent, part("styles")) if "styles" in needed else []
    if Experiment.PLAUSIBILITY in only:
        findings.append(measure_plausibility(styles, extent))
    if Experiment.ENDINGS in only:
        takes = [*(take.composed for take in grid), *(one for _, one in styles)]
        findings.append(measure_endings(takes))
    if Experiment.OBEDIENCE in only:
        findings.append(measure_obedience(studio, extent, part("obedience")))
    if Experiment.RANKING in only:
        findings.append(measure_ranking(studio, extent, part("ranking")))
    scores.mkdir(parents=True)
    for number, (style, composed) in enumerate(styles):
        write_midi(composed.score, scores / f"{style.value}-{number:02}.mid", ())
    if Experiment.LONG_FORM in only:
        long_form, long_take = measure_long_form(studio, extent, part("long"))
        findings.append(long_form)
        write_midi(long_take.score, scores / "long.mid", ())
    return findings


def _needed(only: Set[Experiment]) -> dict[str, float]:
    """The parts of the work, and their shares of the time."""
    of = {
        "grid": {Experiment.EMOTION, Experiment.ENDINGS},
        "styles": {Experiment.PLAUSIBILITY, Experiment.ENDINGS},
        "long": {Experiment.LONG_FORM},
    }
    return {
        name: share
        for name, share in SHARES.items()
        if only & (of[name] if name in of else {Experiment(name)})
    }


def _shown(
    studio: Studio, extent: Extent, folder: Path, progress: Progress, sound: bool
) -> list[Shown]:
    chosen = exhibits(whole=extent.gallery)
    lengths = [float(one.sheet.cues[0].range.duration.seconds) for one in chosen]
    total, shown, done = sum(lengths), [], 0.0
    for exhibit, length_s in zip(chosen, lengths, strict=True):
        part = progress.part(done / total, (done + length_s) / total)
        shown.append(show(exhibit, studio, folder, part, sound=sound))
        done += length_s
    return shown


def _deliver(working: Path, folder: Path) -> None:
    """Put each file in its place; others that lie there are left alone."""
    for path in sorted(working.rglob("*")):
        if path.is_file():
            target = folder / path.relative_to(working)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


class _Parts:
    """The stretch of a progress that belongs to each part of the work."""

    def __init__(self, progress: Progress, shares: Mapping[str, float]) -> None:
        self._progress, self._shares = progress, shares

    def __call__(self, name: str) -> Progress:
        total, names = sum(self._shares.values()), list(self._shares)
        before = sum(self._shares[one] for one in names[: names.index(name)])
        return self._progress.part(before / total, (before + self._shares[name]) / total)
