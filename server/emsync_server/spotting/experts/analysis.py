"""A film as its experts read it: pictures in the one decoding pass, then the sound, then words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from functools import partial

import av

from emsync.errors import MediaError, MissingPartError
from emsync_server.access import ANY_FILE, Access
from emsync_server.media import FilmProbe
from emsync_server.progress import Progress
from emsync_server.spotting.experts.bench import Bench, opened_bench
from emsync_server.spotting.experts.expert import ExpertRow, Line, Sense
from emsync_server.spotting.experts.listening import Ear, Windows, listen_once
from emsync_server.spotting.experts.readings import Reading
from emsync_server.spotting.experts.sampling import PictureSampler

__all__ = ["FilmReading", "opened_reading", "read_words"]


class FilmReading:
    """One film in front of the experts. Made by `opened_reading`."""

    def __init__(self, bench: Bench, rows: Sequence[ExpertRow], probe: FilmProbe) -> None:
        """A bench with the experts of these rows, all of pictures or sound."""
        self._bench = bench
        self._rows = rows
        self._probe = probe
        self._watching = [row.name for row in rows if row.sense is Sense.PICTURE]
        self._sampler = PictureSampler(self._show, rotation_deg=probe.rotation_deg)
        self.complaints: list[str] = []
        """Sentences about what could not be read."""

    def see(self, frame: av.VideoFrame, time_s: float) -> None:
        """The next frame of the decoding pass."""
        if self._watching:
            self._sampler.see(frame, time_s)

    def start_anew(self) -> None:
        """What comes next does not follow what came before."""
        self._sampler = PictureSampler(self._show, rotation_deg=self._probe.rotation_deg)

    def hear(
        self,
        duration_s: Fraction,
        progress: Progress,
        *,
        also: Sequence[Ear] = (),
        start_s: Fraction = Fraction(0),
        access: Access = ANY_FILE,
    ) -> bool:
        """The sound of the film, up to its picture's end, or of a stretch of it; `also` hears it,
        too. False where it is damaged, which is complained about."""
        ears = [
            Windows(row.windows, partial(self._bench.show, only=row.name), float(start_s))
            for row in self._rows
            if row.windows is not None
        ]
        try:
            listen_once(
                [*also, *ears], self._probe, duration_s, progress, start_s=start_s, access=access
            )
        except MediaError as err:
            self.complaints.append(f"The sound could not be used: {err.sentence}")
            return False
        return True

    def finish(self) -> list[Reading]:
        """All readings of pictures and sound, in the order of their time."""
        return self._bench.finish()

    def _show(self, picture: object) -> None:
        for name in self._watching:
            self._bench.show(picture, only=name)


@contextmanager
def opened_reading(rows: Sequence[ExpertRow], probe: FilmProbe) -> Iterator[FilmReading]:
    """Experts of pictures and sound, ready for a film; those that this machine lacks are left out,
    and complained about."""
    wanted = [row for row in rows if row.sense in (Sense.PICTURE, Sense.SOUND)]
    with opened_bench(wanted) as bench:
        reading = FilmReading(bench, wanted, probe)
        reading.complaints += bench.complaints
        yield reading


def read_words(readings: Sequence[Reading], rows: Sequence[ExpertRow]) -> list[Reading]:
    """What experts of words make of the words that others heard and saw."""
    spoken = [each for each in readings if each.text]
    lines = [
        Line(each.start_s, each.end_s, each.text, each.language, each.certainty) for each in spoken
    ]
    found: list[Reading] = []
    for row in rows if lines else ():
        if row.sense is not Sense.TEXT:
            continue
        try:
            expert = row.open()
        except MissingPartError:
            continue  # `emsync models` says so
        for at in range(0, len(lines), row.batch):
            answers = expert.read(lines[at : at + row.batch])
            found += [each for each in answers if each is not None]
    return found
