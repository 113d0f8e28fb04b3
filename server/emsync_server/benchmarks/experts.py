"""What each expert costs, one item after another of a real film, in processor time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from emsync_server.benchmarks.tables import Table, write_table
from emsync_server.media import open_film
from emsync_server.progress import silent_progress
from emsync_server.spotting.experts import Expert, ExpertRow, Reading, Sense, feature_experts
from emsync_server.spotting.experts.analysis import opened_reading

__all__ = ["benchmark_experts"]


@dataclass(frozen=True, slots=True)
class _Cost:
    """One expert on one film."""

    expert: str
    load_ms: float
    items: int
    readings: int
    item_ms: float
    """Processor time."""
    film_second_ms: float
    """The same for each second of the film."""


class _Timed:
    """An expert whose time is taken."""

    def __init__(self, row: ExpertRow) -> None:
        began = time.process_time()
        self._expert: Expert[Any] = row.open()
        self.load_s = time.process_time() - began
        self.read_s, self.items, self.readings = 0.0, 0, 0

    def read(self, items: Sequence[Any]) -> list[Reading | None]:
        began = time.thread_time()
        found = self._expert.read(items)
        self.read_s += time.thread_time() - began
        self.items += len(items)
        self.readings += sum(each is not None for each in found)
        return found


def benchmark_experts(film: Path, output: Path) -> None:
    """Ask every available expert about a film, and write what each cost."""
    costs = [_cost(row, film) for row in feature_experts()
             if row.sense in (Sense.PICTURE, Sense.SOUND)]  # fmt: skip
    columns = ("expert", "load, ms", "items", "readings", "ms an item", "ms a second of film")
    rows = tuple(
        (
            each.expert,
            f"{each.load_ms:.0f}",
            str(each.items),
            str(each.readings),
            f"{each.item_ms:.1f}",
            f"{each.film_second_ms:.1f}",
        )
        for each in costs
    )
    command = "emsync benchmark experts FILM -o experts.json"
    write_table(Table(command, columns, rows), [asdict(each) for each in costs], output)


def _cost(row: ExpertRow, film: Path) -> _Cost:
    timed = _Timed(row)
    length_s = _shown(film, _with(row, lambda: timed))
    return _Cost(
        row.name,
        timed.load_s * 1000,
        timed.items,
        timed.readings,
        1000 * timed.read_s / max(1, timed.items),
        1000 * timed.read_s / float(length_s),
    )


def _with(row: ExpertRow, opener: Callable[[], Expert[Any]]) -> ExpertRow:
    return ExpertRow(row.name, row.tier, row.sense, opener, windows=row.windows, batch=row.batch)


def _shown(path: Path, row: ExpertRow) -> Fraction:
    """Show a film to one expert; returns its length in seconds."""
    with open_film(path) as film, opened_reading([row], film.probe) as reading:
        for frame in film.frames():
            reading.see(frame.picture, frame.tick * float(film.tick_s))
        reading.hear(film.duration.seconds, silent_progress())
        reading.finish()
        return film.duration.seconds
