"""Many cues composed by the step that the product uses, several at a time, in processes.

Only the composition step's public interface is used, so what is measured is what a user gets, and
any weights that the step can load.
"""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing import active_children, get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

from emsync.cue import CueSheet
from emsync.errors import EmsyncError
from emsync.score import Score, Take
from emsync.settings import ComposeSettings
from emsync_server.composition import (
    UNGUIDED,
    Composer,
    DecoderSettings,
    Guidance,
    compose,
    load_composer,
)
from emsync_server.midi import read_midi
from emsync_server.progress import Progress, silent_progress

__all__ = ["Commission", "Composed", "Studio", "open_studio"]

LONGEST_WAIT_S = 0.5  # a caller who left is noticed this soon


@dataclass(frozen=True, slots=True)
class Commission:
    """One cue to be composed."""

    sheet: CueSheet
    seed: int = 0
    takes: int = 1
    candidates: int | None = None
    """None: as many as the product tries."""
    guidance: Guidance = UNGUIDED
    textured: bool = True
    """False: the network alone, told only by its conditions."""

    @property
    def length_s(self) -> float:
        """How much music is asked for, over all takes."""
        return float(self.sheet.cues[0].range.duration.seconds) * self.takes


@dataclass(frozen=True, slots=True)
class Composed:
    """A take and its score, read back from the written MIDI."""

    take: Take
    score: Score


@dataclass(slots=True)
class Studio:
    """Composes commissions; `workers` processes, or this one."""

    composer: Composer | None = None
    """None: the one that emsync ships, loaded once in each process."""
    pool: ProcessPoolExecutor | None = None
    first_seed: int = 0
    """Added to the seed of every commission."""
    _own: list[Composer] = field(default_factory=list)

    def compose(
        self, commissions: Sequence[Commission], progress: Progress, note: str
    ) -> list[tuple[Composed, ...]]:
        """The takes of each commission, best first, in the order of the commissions."""
        commissions = [replace(one, seed=one.seed + self.first_seed) for one in commissions]
        finished: dict[int, tuple[Composed, ...]] = {}
        total_s = sum(one.length_s for one in commissions)
        done_s = 0.0
        progress.report(0.0, note)
        for index, takes in self._composed(commissions):
            if takes:
                finished[index] = takes
                done_s += commissions[index].length_s
            progress.report(done_s / total_s, note)  # raises where the caller left
        return [finished[index] for index in range(len(commissions))]

    def _composed(
        self, commissions: Sequence[Commission]
    ) -> Iterator[tuple[int, tuple[Composed, ...]]]:
        """(index, takes) as they come; without takes where only time has passed."""
        if self.pool is None:
            if not self._own:
                self._own.append(self.composer or load_composer())
            for index, commission in enumerate(commissions):
                yield index, compose_one(commission, self._own[0])
            return
        # The longest first: the last one to end should be short.
        order = sorted(range(len(commissions)), key=lambda i: -commissions[i].length_s)
        running: dict[Future[tuple[Composed, ...]], int] = {
            self.pool.submit(_in_process, commissions[index]): index for index in order
        }
        try:
            while running:
                ready, _ = wait(running, LONGEST_WAIT_S, return_when=FIRST_COMPLETED)
                if not ready:
                    yield 0, ()
                for future in ready:
                    yield running.pop(future), future.result()
        except BrokenProcessPool as err:
            raise EmsyncError(
                "A process that composed for the evaluation was ended by the system, perhaps for "
                "want of memory. Run again with --workers 1."
            ) from err
        finally:
            for future in running:
                future.cancel()


@contextmanager
def open_studio(
    workers: int = 1, composer: Composer | None = None, first_seed: int = 0
) -> Iterator[Studio]:
    """A studio; with more than one worker its processes end with it."""
    if workers <= 1 or composer is not None:
        yield Studio(composer, first_seed=first_seed)
        return
    others = set(active_children())
    context = get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_ignore_interrupts)
    with ExitStack() as ending:
        ending.callback(pool.shutdown, wait=True, cancel_futures=True)
        ending.callback(_terminate_all_but, others)  # a long cue would go on for a minute
        yield Studio(None, pool, first_seed)
        ending.pop_all()
        pool.shutdown()


def _terminate_all_but(others: set[BaseProcess]) -> None:
    for child in set(active_children()) - others:
        child.terminate()


def compose_one(commission: Commission, composer: Composer) -> tuple[Composed, ...]:
    """Compose in a folder that vanishes, and read the MIDI back."""
    decoding = DecoderSettings(guidance=commission.guidance, textured=commission.textured)
    if commission.candidates is not None:
        decoding = replace(decoding, candidates=commission.candidates)
    with tempfile.TemporaryDirectory(prefix="emsync-evaluate-") as name:
        folder = Path(name)
        takes = compose(
            commission.sheet,
            commission.sheet.cues[0].name,
            folder,
            ComposeSettings(takes=commission.takes, seed=commission.seed),
            silent_progress(),
            composer=composer,
            decoding=decoding,
        )
        return tuple(Composed(take, read_midi(folder / take.midi)) for take in takes)


_loaded: list[Composer] = []


def _ignore_interrupts() -> None:
    """Ctrl-C reaches every process of a terminal; the one that gives the orders ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _in_process(commission: Commission) -> tuple[Composed, ...]:
    """`compose_one` in a worker process, which loads the weights with its first cue."""
    if not _loaded:
        _loaded.append(load_composer())
    return compose_one(commission, _loaded[0])
