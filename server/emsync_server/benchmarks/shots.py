"""How well shot boundaries are found, set by set, beside other detectors, and what each costs.

Every detector reads every set in a process of its own, each film some times in turn with bare
decoding; processor and wall seconds are the least of each. Sound is not read here.
"""

from __future__ import annotations

import json
import sys
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
from av.filter import Graph

from emsync.settings import ShotDetector, SpotSettings
from emsync_server.benchmarks.processes import measured_in_child
from emsync_server.benchmarks.shot_truth import Score, read_truths, score
from emsync_server.benchmarks.tables import Table, write_table
from emsync_server.media import open_film
from emsync_server.progress import silent_progress
from emsync_server.spotting.films import look

__all__ = ["DETECTORS", "benchmark_shots", "measure_shots"]

ROUNDS = 3
FFMPEG_SCENE = 0.3
"""The threshold that FFmpeg's own documentation proposes."""
DRAFT, FFMPEG = "draft", "ffmpeg-scene"
EMSYNC = (ShotDetector.FAST.value, ShotDetector.ACCURATE.value, DRAFT)
PEERS = (ShotDetector.ADAPTIVE.value, ShotDetector.CONTENT.value, FFMPEG)
DETECTORS = (*EMSYNC, *PEERS)


def benchmark_shots(
    media: Path, output: Path, detectors: tuple[str, ...], *, only: str = "", rounds: int = ROUNDS
) -> None:
    """Measure and write the tables; a line on stderr for each film."""
    sets = {name: films for name, films in read_truths(media).items() if only in name}
    rows: list[dict[str, Any]] = []
    for name, films in sets.items():
        for detector in detectors:
            arguments = (detector, *map(str, films), "--rounds", str(rounds))
            measured = measured_in_child("shots-once", *arguments)["films"]
            for (film, truth), found in zip(films.items(), measured, strict=True):
                rows.append({"set": name, "film": film.name, "detector": detector, **found})
                rows[-1]["score"] = asdict(score(found["frames"], truth))
                rows[-1]["exact"] = asdict(score(found["frames"], truth, tolerance=0))
                print(json.dumps({**rows[-1], "frames": None}), file=sys.stderr, flush=True)
    columns = (
        *("set", "detector", "cut F1 ±1", "cut F1 ±0", "all F1", "cuts", "gradual", "wrong"),
        *("over decoding: processor", "wall"),
    )
    command = f"emsync benchmark shots --media {media.name} -o {output.name}"
    write_table(Table(command, columns, tuple(_lines(rows, detectors))), rows, output)


class _Found(NamedTuple):
    """What a detector told of a film."""

    changes: list[Fraction]
    """Frames, or seconds where the film's frames lie on no grid."""
    in_frames: bool = True


def measure_shots(films: list[Path], detector: str, rounds: int) -> dict[str, Any]:
    """Of each film: the frames of the changes found, and seconds beside those of decoding."""
    finds = _finder(detector)
    finds(films[0])  # what is loaded once is not a film's cost
    return {"films": [_measure_film(film, finds, rounds) for film in films]}


def _measure_film(film: Path, finds: Callable[[Path], _Found], rounds: int) -> dict[str, Any]:
    bare: list[tuple[float, float]] = []
    whole: list[tuple[float, float]] = []
    found = _Found([])
    for _ in range(rounds):
        with _timed(bare):
            _decode(film)
        with _timed(whole):
            found = finds(film)
    frames = _frames(film, found)
    return {"frames": frames, "decoding": _least(bare), "finding": _least(whole)}


def _lines(rows: list[dict[str, Any]], detectors: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """A line for each set and detector, and one for all sets."""
    names = list(dict.fromkeys(row["set"] for row in rows))
    for name in (*names, "all"):
        for detector in detectors:
            mine = [
                row for row in rows if row["detector"] == detector and name in (row["set"], "all")
            ]
            total = sum((Score(**row["score"]) for row in mine), Score())
            exact = sum((Score(**row["exact"]) for row in mine), Score())
            ratios = [
                sum(row["finding"][clock] for row in mine)
                / sum(row["decoding"][clock] for row in mine)
                for clock in ("processor_s", "wall_s")
            ]
            yield (
                *(name, detector, f"{total.cut_f1:.3f}", f"{exact.cut_f1:.3f}"),
                *(f"{total.all_f1:.3f}", f"{total.found}/{total.cuts}"),
                *(f"{total.graduals_found}/{total.graduals}", str(total.wrong)),
                *(f"{ratio:.2f}" for ratio in ratios),
            )


def _finder(detector: str) -> Callable[[Path], _Found]:
    """What finds a film's changes."""
    if detector == FFMPEG:
        return _by_ffmpeg
    if detector == DRAFT:
        settings = SpotSettings(draft=True)
    else:
        settings = SpotSettings(shots=ShotDetector(detector))
    return lambda film: _by_emsync(film, settings)


def _by_emsync(path: Path, settings: SpotSettings) -> _Found:
    """The whole look at the picture, colours and motion with it."""
    with open_film(path, draft=settings.draft) as film:
        seen = look(film, settings, silent_progress())
        moments = [each.time.seconds for each in seen.boundaries]
        if film.clock.on_grid:
            return _Found([moment * film.clock.rate for moment in moments])
    return _Found(moments, in_frames=False)


def _by_ffmpeg(path: Path) -> _Found:
    """FFmpeg's scene filter."""
    frames: list[Fraction] = []
    shown = 0
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        graph = Graph()
        begin = graph.add_buffer(template=stream)
        chosen = graph.add("select", f"gt(scene,{FFMPEG_SCENE})")
        begin.link_to(chosen)
        chosen.link_to(graph.add("buffersink"))
        graph.configure()
        for frame in container.decode(stream):
            frame.pts, frame.time_base = shown, stream.time_base
            graph.push(frame)
            with suppress(av.BlockingIOError, av.EOFError):  # the frame was not chosen
                frames.append(Fraction(graph.pull().pts or 0))
            shown += 1
    return _Found(frames)


def _frames(path: Path, found: _Found) -> list[int]:
    """The frames that the changes lie on."""
    if found.in_frames:
        return [round(change) for change in found.changes]
    with open_film(path) as film:
        shown = [frame.tick * float(film.tick_s) for frame in film.frames()]
    return [bisect_left(shown, float(change) - 1e-6) for change in found.changes]


def _decode(path: Path) -> None:
    """The bare cost: every frame decoded and dropped."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for _ in container.decode(stream):
            pass


@contextmanager
def _timed(into: list[tuple[float, float]]) -> Iterator[None]:
    """Add (processor, wall) seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    yield
    into.append((time.process_time() - processor, time.perf_counter() - wall))


def _least(turns: list[tuple[float, float]]) -> dict[str, float]:
    return {
        "processor_s": min(processor for processor, _ in turns),
        "wall_s": min(wall for _, wall in turns),
    }
