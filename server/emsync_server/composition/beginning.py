"""The first bars of a cue as MIDI, for whoever wants to listen while the rest is composed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from emsync_server.composition.decoder import Writer
from emsync_server.composition.score_writing import score_of
from emsync_server.midi import write_midi
from emsync_server.outputs import translated_os_errors, working_folder
from emsync_server.progress import Progress

__all__ = ["Beginning", "beginning_in"]

FILE, GROWTH = "beginning.mid", 2.0  # written again when it is twice as long


@dataclass(slots=True)
class Beginning:
    """The bars of one version that stand; the take that is kept may be another version."""

    folder: Path
    """Removed when the work ends."""
    progress: Progress
    written_s: float = 0.0

    def show(self, writer: Writer) -> None:
        """Take note of a barline: what stands before it is written out, where it is worth it."""
        stop = writer.piece.bar_start
        seconds = writer.request.seconds_at(stop)
        if seconds < GROWTH * self.written_s or seconds <= 0:
            return
        notes = [note for note in writer.piece.notes if note.step < stop]
        path = self.folder / FILE
        with translated_os_errors(path):
            working = path.with_suffix(".new.mid")
            write_midi(score_of(notes, writer.request), working, ())
            working.replace(path)
        self.written_s = seconds
        self.progress.ready(path, seconds)


@contextmanager
def beginning_in(folder: Path, progress: Progress) -> Iterator[Beginning]:
    """A beginning beside the results, gone when the work ends, however it ends."""
    with working_folder(folder) as working:
        yield Beginning(working, progress)
