"""How long each step takes, as a share of the film's length, and how much memory the job needs."""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av

from emsync.cue import CueSheet
from emsync.score import Take
from emsync.settings import ComposeSettings, RenderSettings, SpotSettings
from emsync.stem import StemSet
from emsync_server.app import ScoreSettings, score
from emsync_server.benchmarks.films import MINUTE_S, draw_minute, repeat_film
from emsync_server.benchmarks.processes import measured_in_child
from emsync_server.benchmarks.tables import Table, percent, write_table
from emsync_server.progress import Progress, ProgressSink, silent_progress
from emsync_server.rpc.steps import LocalSteps

__all__ = [
    "benchmark_spotting",
    "benchmark_time",
    "measure_decoding",
    "measure_score",
    "measure_spotting",
]

MEASURING = "measuring"  # what the main job says when its report begins
STEPS = ("spot", "compose", "render", "mux", "report")


@dataclass(slots=True)
class _Clock:
    """Seconds of wall and processor time, by step."""

    wall_s: dict[str, float] = field(default_factory=dict)
    cpu_s: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def measuring(self, step: str) -> Iterator[None]:
        """Add the time inside to a step."""
        wall, cpu = time.perf_counter(), _cpu_s()
        try:
            yield
        finally:
            self.wall_s[step] = self.wall_s.get(step, 0.0) + time.perf_counter() - wall
            self.cpu_s[step] = self.cpu_s.get(step, 0.0) + _cpu_s() - cpu


class _TimedSteps(LocalSteps):
    """The steps, with a clock."""

    def __init__(self, clock: _Clock) -> None:
        self._clock, self._steps = clock, LocalSteps()

    def spot(self, source: Path, settings: SpotSettings, progress: Progress) -> CueSheet:
        with self._clock.measuring("spot"):
            return self._steps.spot(source, settings, progress)

    def compose(
        self,
        sheet: CueSheet,
        cue_name: str,
        folder: Path,
        settings: ComposeSettings,
        progress: Progress,
    ) -> tuple[Take, ...]:
        with self._clock.measuring("compose"):
            return self._steps.compose(sheet, cue_name, folder, settings, progress)

    def render(
        self, take_path: Path, folder: Path, settings: RenderSettings, progress: Progress
    ) -> StemSet:
        with self._clock.measuring("render"):
            return self._steps.render(take_path, folder, settings, progress)


def measure_score(film: Path, folder: Path) -> dict[str, Any]:
    """Score a film in this process; seconds by step, and the process' peak memory."""
    clock, reporting = _Clock(), []

    def note_report(_: float, note: str) -> None:
        if note == MEASURING:
            reporting.append((time.perf_counter(), _cpu_s()))

    start = (time.perf_counter(), _cpu_s())
    score(film, folder, ScoreSettings(), ProgressSink(note_report), _TimedSteps(clock))
    end = (time.perf_counter(), _cpu_s())
    began = reporting[0] if reporting else end
    for seconds, index in ((clock.wall_s, 0), (clock.cpu_s, 1)):
        seconds["report"] = end[index] - began[index]
        seconds["mux"] = end[index] - start[index] - sum(seconds.values())
    return {"wall_s": clock.wall_s, "cpu_s": clock.cpu_s, "peak_bytes": _peak_bytes()}


def measure_decoding(film: Path) -> dict[str, Any]:
    """Decode every picture of a film once and do nothing with it."""
    wall, cpu = time.perf_counter(), _cpu_s()
    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        frames = sum(1 for _ in container.decode(stream))
    return {
        "frames": frames,
        "wall_s": time.perf_counter() - wall,
        "cpu_s": _cpu_s() - cpu,
        "peak_bytes": _peak_bytes(),
    }


def measure_spotting(film: Path) -> dict[str, Any]:
    """Spot a film in this process."""
    clock = _Clock()
    for turn in ("spot", "again"):
        with clock.measuring(turn):
            sheet = LocalSteps().spot(film, SpotSettings(), silent_progress())
    return {
        "boundaries": len(sheet.boundaries),
        "wall_s": clock.wall_s["spot"],
        "cpu_s": clock.cpu_s["spot"],
        "again_cpu_s": clock.cpu_s["again"],
        "peak_bytes": _peak_bytes(),
    }


def benchmark_spotting(films: list[Path], output: Path) -> None:
    """Decode and spot each film, in processes of their own, and write the table."""
    figures, lines = [], []
    for film in films:
        decoded, spotted = (
            measured_in_child("decode-once", film),
            measured_in_child("spot-once", film),
        )
        figures.append({"film": film.name, "decoding": decoded, "spotting": spotted})
        with av.open(str(film)) as container:
            size = f"{container.streams.video[0].width}x{container.streams.video[0].height}"
        lines.append(
            (
                film.name,
                size,
                str(decoded["frames"]),
                *(f"{1000 * one['cpu_s'] / decoded['frames']:.2f}" for one in (decoded, spotted)),
                *(f"{spotted[kind] / decoded[kind]:.2f}" for kind in ("cpu_s", "wall_s")),
                f"{100 * spotted['again_cpu_s'] / spotted['cpu_s']:.1f} %",
                *(_mebibytes(one["peak_bytes"]) for one in (decoded, spotted)),
            )
        )
    command = "emsync benchmark spotting FILM … -o spotting.json"
    columns = (
        *("film", "picture", "frames", "decoding, ms a frame", "spotting, ms a frame"),
        *("ratio, processor", "ratio, wall", "second run", "peak, decoding", "peak, spotting"),
    )
    write_table(Table(command, columns, tuple(lines)), figures, output)


def benchmark_time(output: Path, minutes: tuple[int, ...] = (1, 10)) -> None:
    """Draw films of some minutes, score each in a process of its own, and write the table."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="emsync-benchmark-") as scratch:
        minute = Path(scratch) / "minute.mp4"
        draw_minute(minute)
        for count in minutes:
            film = minute.with_name(f"{count}.mp4")
            repeat_film(minute, count, film)
            decoded = measured_in_child("decode-once", film)
            scored = measured_in_child("score-once", film, minute.with_name(f"{count}.emsync"))
            rows.append({"length_s": count * MINUTE_S, "decoding": decoded, "score": scored})
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    figures = {
        "machine": f"{os.cpu_count()} processors, {platform.machine()}, "
        f"Python {platform.python_version()}",
        "load": os.getloadavg()[0],
        "rows": rows,
    }
    command = "emsync benchmark time -o time.json"
    columns = ("film", *STEPS, "all", "peak memory", "spotting over decoding once")
    write_table(Table(command, columns, tuple(_lines(rows))), figures, output)


def _lines(rows: list[dict[str, Any]]) -> Iterator[tuple[str, ...]]:
    """Wall time and processor time, as shares of the film's length."""
    for row in rows:
        for kind, words in (("wall_s", "wall"), ("cpu_s", "processor")):
            seconds = row["score"][kind]
            ratio = seconds["spot"] / row["decoding"][kind]
            yield (
                f"{row['length_s']} s, {words} time",
                *(percent(seconds[step] / row["length_s"]) for step in STEPS),
                percent(sum(seconds.values()) / row["length_s"]),
                _mebibytes(row["score"]["peak_bytes"]) if kind == "wall_s" else "",
                f"{ratio:.2f}",
            )


def _mebibytes(count: int | None) -> str:
    return "–" if count is None else f"{count / 2**20:.0f} MiB"


def _cpu_s() -> float:
    """Processor time of all threads of this process."""
    return time.process_time()


def _peak_bytes() -> int | None:
    """Most memory that this process ever held; None where the system does not say.

    Linux hands `ru_maxrss` down from the process that started this one; VmHWM is its own.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(one for one in status.read_text().splitlines() if one.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    if sys.platform == "darwin":
        import resource  # not there on Windows

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS counts bytes
    return None
