"""Short looks into media that a timeline uses, each kept for the next edit of the same media.

A changed edit looks only at what it uses anew: a glimpse is known by the content of its file and
its place in it, wherever the shot lies in the timeline.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction

from emsync.errors import OutputError
from emsync_server.access import Access
from emsync_server.media import Film, shrink
from emsync_server.progress import Progress
from emsync_server.spotting.appearance import Appearance, AppearanceSampler
from emsync_server.spotting.experts import ExpertRow, Reading
from emsync_server.spotting.experts.analysis import FilmReading, opened_reading
from emsync_server.spotting.experts.cache import ReadingCache, content_id, default_cache_folder
from emsync_server.spotting.experts.packing import pack, unpack
from emsync_server.spotting.findings import arrays_of, made_with, part_of
from emsync_server.spotting.hearing import Hearing, HearingSampler

__all__ = ["GlimpseFindings", "GlimpseMemory", "Stretch"]

SHORTEST_S = Fraction(1, 1000)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a film, in its own time."""

    start_s: Fraction
    end_s: Fraction
    with_sound: bool


@dataclass(frozen=True, slots=True)
class GlimpseFindings:
    """What a stretch gave, in the film's own time."""

    appearance: Appearance
    hearing: Hearing | None
    readings: tuple[Reading, ...]


class GlimpseMemory:
    """Looks into films, and remembers what was seen."""

    def __init__(self, rows: Sequence[ExpertRow], access: Access) -> None:
        """With these experts."""
        self.rows = rows
        self._access = access
        self._cache = ReadingCache(default_cache_folder())
        self._made_with = made_with(rows)

    @contextmanager
    def of(self, film: Film) -> Iterator[_Looker]:
        """Ready to look into an open film."""
        content = None
        with contextlib.suppress(OSError, ValueError):
            content = content_id(film.path, self._cache.folder, access=self._access)
        with contextlib.ExitStack() as stack:
            yield _Looker(film, self.rows, self._access, self._cache, content, self._made_with,
                          stack)  # fmt: skip


@dataclass
class _Looker:
    """One film. The experts are opened when something must be looked at."""

    film: Film
    rows: Sequence[ExpertRow]
    access: Access
    cache: ReadingCache
    content: str | None
    made_with: list[object]
    stack: contextlib.ExitStack
    _reading: FilmReading | None = None

    def look(self, stretch: Stretch, progress: Progress) -> GlimpseFindings:
        """A stretch of the film: what is remembered of it, or what is seen and heard now."""
        if self.content is None:
            return self._look(stretch, progress)
        span = [str(stretch.start_s), str(stretch.end_s), stretch.with_sound]
        key = self.cache.key(self.content, "glimpse", span, self.made_with)
        if (kept := self.cache.get(key)) is not None:
            arrays, told = kept
            with contextlib.suppress(KeyError, TypeError, ValueError, IndexError):
                heard = part_of(arrays, "hearing")
                return GlimpseFindings(
                    Appearance(**part_of(arrays, "appearance")),
                    Hearing(**heard) if heard else None,
                    tuple(unpack(arrays, told)),
                )
        found = self._look(stretch, progress)
        arrays, told = pack(found.readings)
        arrays |= arrays_of("appearance", found.appearance) | arrays_of("hearing", found.hearing)
        with contextlib.suppress(OutputError):
            self.cache.put(key, arrays, told)
        return found

    def _look(self, stretch: Stretch, progress: Progress) -> GlimpseFindings:
        """A freeze frame is looked at once."""
        if self._reading is None:
            self._reading = self.stack.enter_context(opened_reading(self.rows, self.film.probe))
        self._reading.start_anew()
        sampler = AppearanceSampler(self.film.probe.rate)
        end_s = max(stretch.end_s, stretch.start_s + SHORTEST_S)
        for frame in self.film.frames_from(stretch.start_s, end_s):
            time_s = max(0.0, frame.tick * float(self.film.tick_s))
            sampler.see(shrink(frame.picture), time_s)
            self._reading.see(frame.picture, time_s)
        hearing = self._hear(stretch, progress)
        return GlimpseFindings(sampler.finish([]), hearing, tuple(self._reading.finish()))

    def _hear(self, stretch: Stretch, progress: Progress) -> Hearing | None:
        length_s, probe = stretch.end_s - stretch.start_s, self.film.probe
        if not stretch.with_sound or not probe.has_sound or length_s <= 0:
            return None
        assert self._reading is not None
        sampler = HearingSampler(length_s, stretch.start_s)
        heard = self._reading.hear(
            length_s,
            progress.part(0.0, 0.0),
            also=(sampler,),
            start_s=stretch.start_s,
            access=self.access,
        )
        return sampler.finish() if heard else None
