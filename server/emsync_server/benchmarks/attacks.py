"""How well attacks are found in rendered sound: chords of known time, every instrument, every
synthesiser. This is where `evaluation.attacks` has its bias from, and the spread that is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
from numpy.typing import NDArray

from emsync.family import Family
from emsync_server.benchmarks.tables import Table, milliseconds, percent, write_table
from emsync_server.composition.instruments import DRUM_KIT, INSTRUMENTS, Instrument
from emsync_server.composition.orchestration import STRIKERS
from emsync_server.composition.striking import speaking
from emsync_server.evaluation.attacks import ATTACK_BIAS_S
from emsync_server.evaluation.landing import landed_share, sound_errors
from emsync_server.progress import Progress
from emsync_server.rendering.balance import BALANCE
from emsync_server.rendering.choice import choose_synthesizer
from emsync_server.rendering.embedded import EmbeddedSynthesizer
from emsync_server.rendering.performance import Instrument as PlayedInstrument
from emsync_server.rendering.performance import Performance, PlayedNote
from emsync_server.rendering.soundfonts import bundled_soundfont
from emsync_server.rendering.synthesizer import Synthesizer

__all__ = ["Manner", "attack_errors", "benchmark_attacks"]

RATE_HZ = 48_000
CHORDS = 12
MOVED_S = 0.06
HALF_FRAMES_S = {"24 fps": 1 / 48, "60 fps": 1 / 120}
RUN = 4  # chords
RUN_GAPS_S = {"FRAME": 1 / 24, "CLOSE": 0.08, "NEAR": 0.12}
DRUM_KEYS = (36, 38, 49)
PEAK = 0.5


class Manner(Enum):
    """How the chords follow one another."""

    APART = "apart"  # a rest of two thirds between them
    LEGATO = "legato"  # each begins as the one before it ends: the hard case
    FRAME = "a frame of 24 fps apart"  # runs of four, as the composer writes them for close hits
    CLOSE = "80 ms apart"
    NEAR = "120 ms apart"


@dataclass(frozen=True, slots=True)
class _Row:
    synthesizer: str
    instrument: str
    family: Family
    manner: Manner
    errors_s: list[float]
    moved_s: list[float]


def benchmark_attacks(output: Path, progress: Progress) -> None:
    """Measure every instrument on every synthesiser of this machine, and write the table."""
    synthesizers: list[Synthesizer] = [EmbeddedSynthesizer(bundled_soundfont())]
    if choose_synthesizer().name != synthesizers[0].name:
        synthesizers.insert(0, choose_synthesizer())
    rows = []
    for count, (synthesizer, instrument) in enumerate(
        (s, i) for s in synthesizers for i in INSTRUMENTS
    ):
        progress.report(count / (len(synthesizers) * len(INSTRUMENTS)), instrument.name)
        for manner in Manner:
            if manner.name in RUN_GAPS_S and INSTRUMENTS.index(instrument) not in STRIKERS:
                continue
            errors, moved = attack_errors(synthesizer, instrument, manner)
            rows.append(
                _Row(synthesizer.name, instrument.name, instrument.family, manner, errors, moved)
            )
    columns = ("synthesiser", "chords", "instruments", "found at, median ms", "5 to 95 %")
    shares = (
        *(f"within ½ frame, {name}" for name in HALF_FRAMES_S),
        "moved, 24 fps",
        "moved, 60 fps",
    )
    command = "emsync benchmark attacks -o attacks.json"
    figures = [
        {
            "synthesizer": row.synthesizer,
            "instrument": row.instrument,
            "manner": row.manner.value,
            "errors_s": row.errors_s,
            "moved_s": row.moved_s,
        }
        for row in rows
    ]
    write_table(Table(command, columns + shares, tuple(_lines(rows))), figures, output)


def attack_errors(
    synthesizer: Synthesizer, instrument: Instrument, manner: Manner
) -> tuple[list[float], list[float]]:
    """Errors of the attacks found for chords of known time, and for the same times moved."""
    starts = _starts(manner)
    sound = _played(synthesizer, instrument, manner, starts)
    times = np.array(starts) / RATE_HZ
    gap_s = RUN_GAPS_S.get(manner.name, 2 * MOVED_S)
    off_s = min(0.02, gap_s / 6)
    jitter = np.random.default_rng(7).uniform(-off_s, off_s, len(times))
    moved = times + np.where(np.arange(len(times)) % 2, MOVED_S, -MOVED_S)
    if manner.name in RUN_GAPS_S:
        moved = times + gap_s / 2
    with TemporaryDirectory(prefix="emsync-benchmark-") as folder:
        path = Path(folder) / "chords.wav"
        soundfile.write(path, sound, RATE_HZ, subtype="PCM_24")
        # Looked for around a moment that is a little off: the answer must not be the question.
        found = [error for error, _ in sound_errors(times + jitter, path)]
        elsewhere = [error for error, _ in sound_errors(moved, path)]
    return (np.array(found) + jitter).tolist(), elsewhere


def _starts(manner: Manner) -> list[int]:
    """Samples at which the chords begin: 0.9 to 1.4 s apart, in runs closer."""
    gaps = np.random.default_rng(3).uniform(0.9, 1.4, CHORDS)
    if manner.name in RUN_GAPS_S:
        gaps[np.arange(CHORDS) % RUN > 0] = RUN_GAPS_S[manner.name]
    return [round(RATE_HZ * start) for start in 0.6 + np.cumsum(gaps)]


def _played(
    synthesizer: Synthesizer, instrument: Instrument, manner: Manner, starts: Sequence[int]
) -> NDArray[np.float32]:
    """Chords as rendering plays them, (samples, 2)."""
    length = starts[-1] + 2 * RATE_HZ
    ends = [*starts[1:], starts[-1] + RATE_HZ]
    is_drums = instrument is INSTRUMENTS[DRUM_KIT]
    middle = (instrument.low + instrument.high) // 2
    rng = np.random.default_rng(5)
    notes = []
    for index, (start, end) in enumerate(zip(starts, ends, strict=True)):
        root = int(rng.integers(max(instrument.low, middle - 9), middle + 2))
        third = int(rng.choice([3, 4]))
        high = min(root + 7, instrument.high)
        keys: Sequence[int] = DRUM_KEYS if is_drums else (root, root + third, high)
        if manner.name in RUN_GAPS_S and not is_drums:
            keys = _run_chord(instrument, index)
        stop = end if manner is Manner.LEGATO else start + (end - start) // 3
        velocity = 120 if manner.name in RUN_GAPS_S else int(rng.integers(85, 115))
        notes += [PlayedNote(start, stop, 0, key, velocity) for key in sorted(set(keys))]
    balance = BALANCE[instrument.family]
    played = PlayedInstrument(instrument.program, is_drums, balance.pan, balance.reverb)
    performance = Performance((played,), tuple(notes))
    blocks = synthesizer.render(performance, length_samples=length, rate_hz=RATE_HZ)
    sound = np.concatenate(list(blocks))
    return np.asarray(sound * (PEAK / max(float(abs(sound).max()), 1e-6)))


def _run_chord(instrument: Instrument, index: int) -> tuple[int, ...]:
    """Three notes on which the instrument speaks, none of them of the chord before."""
    able = np.flatnonzero(speaking(INSTRUMENTS.index(instrument), in_run=True))
    kind = ((0, 4, 7), (2, 5, 9))[index % 2]
    pitches = [int(pitch) for pitch in able if pitch % 12 in kind]
    first = (5 * index) % max(len(pitches) - 2, 1)
    return tuple(pitches[first : first + 3])


def _lines(rows: Sequence[_Row]) -> list[tuple[str, ...]]:
    """All instruments together, then each family, for each synthesiser and manner."""
    lines = []
    for synthesizer in dict.fromkeys(row.synthesizer for row in rows):
        for manner in Manner:
            own = [r for r in rows if r.synthesizer == synthesizer and r.manner is manner]
            lines.append(_line(synthesizer, manner.value, f"all {len(own)}", own))
            of_family = {f: [row for row in own if row.family is f] for f in Family}
            lines += [
                _line("", manner.value, family.value, members)
                for family, members in of_family.items()
                if members
            ]
    return lines


def _line(synthesizer: str, manner: str, which: str, rows: Sequence[_Row]) -> tuple[str, ...]:
    errors = np.concatenate([row.errors_s for row in rows])
    moved = np.concatenate([row.moved_s for row in rows])
    low, high = np.percentile(errors, [5, 95])
    return (
        synthesizer,
        manner,
        which,
        milliseconds(float(np.median(errors)) + ATTACK_BIAS_S),
        f"{milliseconds(low + ATTACK_BIAS_S)} to {milliseconds(high + ATTACK_BIAS_S)}",
        *(percent(landed_share(errors.tolist(), half)) for half in HALF_FRAMES_S.values()),
        *(percent(landed_share(moved.tolist(), half)) for half in HALF_FRAMES_S.values()),
    )
