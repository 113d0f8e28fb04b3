"""The whole product on every film and timeline of a folder: do hits land, and beyond chance?"""

from __future__ import annotations

import json
import math
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from emsync import wire
from emsync.cue import CueSheet
from emsync.errors import EmsyncError, NotFoundError
from emsync.settings import MarkerRule, MarkerUse, SpotSettings
from emsync_otio import is_timeline
from emsync_server.app import ScoreSettings, score
from emsync_server.benchmarks.tables import Table, milliseconds, percent, signed, write_table
from emsync_server.evaluation import (
    SoundingNotes,
    accents_of_notes,
    accents_of_sound,
)
from emsync_server.evaluation.hits import Agreement, Trial, pooled_agreement
from emsync_server.evaluation.landing import landed_share, sound_errors
from emsync_server.evaluation.report import cuts_of, hits_of
from emsync_server.midi import read_midi
from emsync_server.outputs import write_text
from emsync_server.progress import Progress, silent_progress
from emsync_server.rpc.steps import LocalSteps

__all__ = ["benchmark_hits", "films_and_timelines"]

SAME_CUT_S = 0.1
ELSEWHERE = 0.382  # of the film: evenly spaced hits must not fall on one another
FILM_SUFFIXES = {".mp4", ".mov", ".mkv", ".webm", ".avi", ".ts"}
COLUMNS = (
    "film or timeline",
    "s",
    "fps",
    "hits",
    "score",
    "sound",
    "median ms",
    "moved 60 ms",
    "elsewhere",
    "samples off",
    "κ hits, p",
    "κ cuts, p",
    "κ control, p",
)


@dataclass(frozen=True, slots=True)
class _Strong:
    """What κ of one cue is computed from, in seconds from its start."""

    hits_s: list[float]
    cuts_s: list[float]
    score_s: list[float]
    """Strong accents of the score."""
    sound_s: list[float]
    length_s: float
    frame_s: float

    def trial(self, targets_s: list[float], accents_s: list[float]) -> Trial:
        inside = np.array([time for time in targets_s if time < self.length_s])
        return Trial(inside, np.array(accents_s), self.length_s, self.frame_s)


def films_and_timelines(media: Path) -> Iterator[Path]:
    """Every film and timeline below a folder, films first; odd files (`edge`) aside."""
    paths = sorted(
        path for path in media.rglob("*") if "edge" not in path.relative_to(media).parts[:1]
    )
    inside = {path for path in paths if any(p.suffix == ".fcpxmld" for p in path.parents)}
    own = [path for path in paths if path not in inside and path.suffix != ".json"]
    yield from (path for path in own if path.is_file() and path.suffix.lower() in FILM_SUFFIXES)
    yield from (path for path in own if is_timeline(path))


def benchmark_hits(
    media: Path, output: Path, *, only: str = "", longest_s: float = math.inf, workers: int = 1
) -> None:
    """Score everything, measure, and write the table; scored sources are kept for a second run."""
    kept = output.with_suffix("")
    sources = list(films_and_timelines(media))
    if not sources:
        raise NotFoundError(
            f"There are no films or timelines in {media}. Name their folder with --media."
        )
    waiting = []
    for source in sources:
        name = source.relative_to(media).as_posix()
        target = kept / f"{name.replace('/', '__')}.json"
        if only in name and not target.is_file():
            waiting.append((source, name, target))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        running = [pool.submit(_scored, source, name, longest_s) for source, name, _ in waiting]
        for (_, name, target), result in zip(waiting, running, strict=True):
            if not result.result().get("too_long"):
                write_text(target, json.dumps(result.result()))
            print(f"{name}: {_said(result.result())}", file=sys.stderr, flush=True)
    rows = [json.loads(path.read_text("utf-8")) for path in sorted(kept.glob("*.json"))]
    done = [row for row in rows if "report" in row]
    _add_controls(done)
    pooled = _pooled(done)
    command = "emsync benchmark hits --media ../shared/media -o hits.json"
    lines = (*(_line(row) for row in done), *_pooled_lines(done, pooled))
    figures = {
        "pooled": pooled,
        "rows": [{k: v for k, v in row.items() if k != "strong"} for row in rows],
    }
    write_table(Table(command, COLUMNS, lines), figures, output)


ALL_MARKERS = ScoreSettings(SpotSettings(markers=MarkerRule(MarkerUse.ALL)))
"""The more there is to land on, the more the table says."""


class _StepsForHits(LocalSteps):
    """The steps, for cue sheets that have a locked hit and are not too long."""

    def __init__(self, longest_s: float) -> None:
        self._longest_s = longest_s

    def spot(self, source: Path, settings: SpotSettings, progress: Progress) -> CueSheet:
        sheet = super().spot(source, settings, progress)
        if not any(hit.locked for cue in sheet.cues for hit in cue.hits):
            raise _NoHitsError(f"{len(sheet.boundaries)} boundaries, no locked hit.")
        if sheet.picture.duration.seconds > self._longest_s:
            raise _TooLongError(
                f"{float(sheet.picture.duration.seconds):.0f} s: longer than asked."
            )
        return sheet


class _NoHitsError(EmsyncError):
    """There is nothing to land on."""


class _TooLongError(EmsyncError):
    """Left for a run that has more time."""


def _scored(source: Path, name: str, longest_s: float) -> dict[str, Any]:
    """Score a source and measure it; the sound is not kept."""
    with tempfile.TemporaryDirectory(prefix="emsync-benchmark-") as scratch:
        folder = Path(scratch) / "score"
        try:
            score(source, folder, ALL_MARKERS, silent_progress(), _StepsForHits(longest_s))
        except EmsyncError as err:
            too_long = isinstance(err, _TooLongError)
            return {"name": name, "refused": err.sentence, "too_long": too_long}
        sheet = wire.read_cue_sheet(folder / "cues.json")
        take = wire.read_take(folder / "take.json")
        mix = folder / wire.read_stem_set(folder / "stems.json").mix
        notes = SoundingNotes.of(read_midi(folder / take.midi))
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        strong = _Strong(
            hits_s=hits_of(take.cue, locked_only=True).tolist(),
            cuts_s=cuts_of(sheet, take.cue).tolist(),
            score_s=accents_of_notes(notes).strong_s.tolist(),
            sound_s=accents_of_sound(mix).strong_s.tolist(),
            length_s=report["length_s"],
            frame_s=float(1 / take.picture.rate),
        )
        moved = (np.array(strong.hits_s) + ELSEWHERE * strong.length_s) % strong.length_s
        others = [error for error, _ in sound_errors(np.sort(moved), mix)]
        return {
            "name": name,
            "fps": float(take.picture.rate),
            "report": report,
            "elsewhere_in_sound": landed_share(others, strong.frame_s / 2),
            "strong": {name: getattr(strong, name) for name in strong.__slots__},
        }


def _add_controls(rows: list[dict[str, Any]]) -> None:
    """κ of each film's music with its own hits and cuts, and with another film's."""
    strong = [_Strong(**row["strong"]) for row in rows]
    for index, (row, own) in enumerate(zip(rows, strong, strict=True)):
        other = _other(strong, index)
        row["kappa"] = {
            medium: {
                "hits": _plain(pooled_agreement([own.trial(own.hits_s, accents)])),
                "cuts": _plain(pooled_agreement([own.trial(own.cuts_s, accents)])),
                "control": _plain(pooled_agreement([own.trial(other.cuts_s, accents)])),
            }
            for medium, accents in (("score", own.score_s), ("sound", own.sound_s))
        }


def _other(strong: list[_Strong], index: int) -> _Strong:
    """The film of another edit whose length is nearest."""
    own = strong[index]
    others = [other for other in strong if other.cuts_s and not _is_same_edit(own, other)]
    return min(others, key=lambda other: abs(other.length_s - own.length_s), default=own)


def _is_same_edit(left: _Strong, right: _Strong) -> bool:
    """Whether a third of either's cuts are the other's: one cut exported at several rates."""
    if left is right:
        return True
    if not left.cuts_s or not right.cuts_s:
        return False
    distance = abs(np.subtract.outer(left.cuts_s, right.cuts_s))
    near = distance <= SAME_CUT_S
    return bool(near.any(axis=1).mean() > 1 / 3 or near.any(axis=0).mean() > 1 / 3)


def _pooled(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """All films together, films and timelines alike."""
    strong = [_Strong(**row["strong"]) for row in rows]
    pooled: dict[str, Any] = {}
    for medium in ("score", "sound"):
        accents = [s.score_s if medium == "score" else s.sound_s for s in strong]
        targets = {
            "hits": [s.hits_s for s in strong],
            "cuts": [s.cuts_s for s in strong],
            "control": [_other(strong, i).cuts_s for i in range(len(strong))],
        }
        pooled[medium] = {
            kind: _plain(
                pooled_agreement(
                    [s.trial(t, a) for s, t, a in zip(strong, times, accents, strict=True)]
                )
            )
            for kind, times in targets.items()
        }
    return pooled


def _line(row: dict[str, Any]) -> tuple[str, ...]:
    report, hits, kappa = row["report"], row["report"]["hits"], row["kappa"]["sound"]
    return (
        row["name"],
        f"{report['length_s']:.1f}",
        f"{row['fps']:.3f}".rstrip("0").rstrip("."),
        str(hits["locked"]),
        percent(hits["landed_in_score"]),
        percent(hits["landed_in_sound"]),
        milliseconds(hits["median_sound_error_s"]),
        percent(hits["control_in_sound"]),
        percent(row["elsewhere_in_sound"]),
        str(report["levels"]["length_error_samples"]),
        *(_kappa(kappa[kind]) for kind in ("hits", "cuts", "control")),
    )


def _pooled_lines(rows: list[dict[str, Any]], pooled: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """All together, weighted by hits."""
    total = sum(int(row["report"]["hits"]["locked"]) for row in rows)

    def mean(value: Callable[[dict[str, Any]], float]) -> float:
        weighted: list[float] = [value(row) * int(row["report"]["hits"]["locked"]) for row in rows]
        return sum(weighted) / max(total, 1)

    sound = pooled["sound"]
    yield (
        f"**all {len(rows)}**",
        f"{sum(row['report']['length_s'] for row in rows):.0f}",
        "",
        str(total),
        percent(mean(lambda row: float(row["report"]["hits"]["landed_in_score"]))),
        percent(mean(lambda row: row["report"]["hits"]["landed_in_sound"])),
        "",
        percent(mean(lambda row: row["report"]["hits"]["control_in_sound"])),
        percent(mean(lambda row: row["elsewhere_in_sound"])),
        str(max(abs(row["report"]["levels"]["length_error_samples"]) for row in rows)),
        *(_kappa(sound[kind]) for kind in ("hits", "cuts", "control")),
    )


def _kappa(found: dict[str, Any]) -> str:
    return "–" if found["p"] is None else f"{signed(found['kappa'])}, {found['p']:.3f}"


def _plain(found: Agreement) -> dict[str, Any]:
    return {name: getattr(found, name) for name in found.__slots__}


def _said(row: dict[str, Any]) -> str:
    if "refused" in row:
        return f"refused: {row['refused']}"
    hits = row["report"]["hits"]
    return (
        f"{row['report']['length_s']:.1f} s, {hits['locked']} hits, "
        f"{percent(hits['landed_in_score'])} / {percent(hits['landed_in_sound'])}"
    )
