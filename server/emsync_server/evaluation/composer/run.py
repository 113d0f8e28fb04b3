"""All experiments in a row, and what is left of them: a table, a JSON file and a gallery."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

from emsync import __version__
from emsync_server.composition import Composer
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

__all__ = ["FACTS", "TABLE", "evaluate_composer", "markdown"]

FACTS, TABLE, GALLERY, SCORES = "composer.json", "composer.md", "gallery", "scores"
SHARES = {
    "grid": 0.22,
    "emotion": 0.27,
    "curves": 0.31,
    "boundaries": 0.57,
    "styles": 0.66,
    "obedience": 0.69,
    "ranking": 0.82,
    "long": 0.87,
    "gallery": 1.0,
}
"""Where each experiment ends, as a share of the time of a full run."""


def evaluate_composer(
    folder: Path,
    progress: Progress,
    *,
    extent: Extent = FULL,
    workers: int = 1,
    composer: Composer | None = None,
    sound: bool = True,
) -> tuple[Row, ...]:
    """Compose for every claim and measure it; write `composer.json`, `composer.md`, the scores and
    the gallery to `folder`, all or nothing. Same weights, same figures.

    composer: None loads the one that emsync ships. sound: whether the gallery is rendered.
    """
    started = time.monotonic()
    with working_folder(folder) as working, open_studio(workers, composer) as studio:
        findings = _findings(studio, extent, working / SCORES, _Parts(progress))
        rows = tuple(row for finding in findings for row in finding.rows)
        shown = _shown(studio, extent, working / GALLERY, _Parts(progress)("gallery"), sound)
        write_gallery(working / GALLERY, shown, rows)
        facts = {
            "version": __version__,
            "weights": shown[0].composed.take.model,
            "extent": extent,
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


def _findings(studio: Studio, extent: Extent, scores: Path, part: _Parts) -> list[Finding]:
    """Every experiment; the scores that the corpus is searched for are kept."""
    grid = compose_grid(studio, extent, part("grid"))
    findings = [measure_emotion(grid, extent, part("emotion"))]
    findings.append(measure_curves(studio, extent, part("curves")))
    findings.append(measure_boundaries(studio, extent, part("boundaries")))
    styles = compose_styles(studio, extent, part("styles"))
    findings.append(measure_plausibility(styles, extent))
    findings.append(
        measure_endings([*(take.composed for take in grid), *(one for _, one in styles)])
    )
    findings.append(measure_obedience(studio, extent, part("obedience")))
    findings.append(measure_ranking(studio, extent, part("ranking")))
    long_form, long_take = measure_long_form(studio, extent, part("long"))
    findings.append(long_form)
    scores.mkdir(parents=True)
    for number, (style, composed) in enumerate(styles):
        write_midi(composed.score, scores / f"{style.value}-{number:02}.mid", ())
    write_midi(long_take.score, scores / "long.mid", ())
    return findings


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
    """The stretch of a progress that belongs to each experiment."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def __call__(self, name: str) -> Progress:
        names = list(SHARES)
        before = names.index(name) - 1
        return self._progress.part(SHARES[names[before]] if before >= 0 else 0.0, SHARES[name])
