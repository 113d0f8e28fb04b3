"""Takes as files: the MIDI and its take beside it, all of them or none; landings measured in the
MIDI as written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from emsync import __version__, wire
from emsync.cue import Cue, CueSheet, Key, Mode
from emsync.score import Score, Take
from emsync_server.composition.keys import key_fits
from emsync_server.composition.landings import check_landings, measured_landings
from emsync_server.composition.measures import Measures, passage_of
from emsync_server.midi import MidiMarker, read_midi, write_midi
from emsync_server.outputs import translated_os_errors, working_folder


@dataclass(frozen=True, slots=True)
class Composed:
    """A score and what was measured in it."""

    score: Score
    measures: Measures


def file_names(number: int) -> tuple[str, str]:
    """(MIDI, take) of the take with this number, counted from 1."""
    ending = "" if number == 1 else f"-{number}"
    return f"score{ending}.mid", f"take{ending}.json"


def write_take_files(
    sheet: CueSheet,
    cue: Cue,
    folder: Path,
    composed: Sequence[Composed],
    origin: tuple[int, str],
) -> tuple[Take, ...]:
    """Write all takes into a working folder, read the MIDI back, measure, then move everything.

    origin: seed and identity of the weights
    """
    takes: list[Take] = []
    with working_folder(folder) as working, translated_os_errors(folder):
        for number, one in enumerate(composed, start=1):
            midi, text = file_names(number)
            write_midi(one.score, working / midi, _markers(cue, one.score))
            take = _take((sheet, cue), one, (number, midi), (working, origin))
            (working / text).write_text(wire.dumps(take), encoding="utf-8")
            takes.append(take)
        for name in sorted(path.name for path in working.iterdir()):
            (working / name).replace(folder / name)
    return tuple(takes)


def _take(
    of: tuple[CueSheet, Cue],
    composed: Composed,
    name: tuple[int, str],
    made: tuple[Path, tuple[int, str]],
) -> Take:
    (sheet, cue), (number, midi), (working, (seed, model)) = of, name, made
    hits_s = [hit.time.seconds - cue.range.start.seconds for hit in cue.hits if hit.locked]
    landings = measured_landings(read_midi(working / midi), hits_s)
    check_landings(landings, sheet.picture.rate)
    return Take(
        picture=sheet.picture,
        cue=cue,
        number=number,
        seed=seed,
        model=model,
        version=__version__,
        midi=midi,
        tempo_map=composed.score.tempo_map,
        landings=landings,
        measures=composed.measures.named(),
        key=_key_of(composed.score),
    )


def _key_of(score: Score) -> Key:
    """The key in which most of a score stands, as it is written; by its notes where none is."""
    if not score.keys:  # laid out anew from another take's MIDI
        best = int(np.argmax(key_fits(passage_of(score).pitch_classes)))
        return Key(best % 12, Mode.MINOR if best >= 12 else Mode.MAJOR)
    ends_q = [*(one.start_q for one in score.keys[1:]), score.tempo_map.end_q]
    lengths_q: dict[Key, Fraction] = defaultdict(Fraction)
    for one, end_q in zip(score.keys, ends_q, strict=True):
        lengths_q[one.key] += end_q - one.start_q
    return max(lengths_q, key=lambda key: lengths_q[key])


def _markers(cue: Cue, score: Score) -> list[MidiMarker]:
    """The hits as markers, so that a person sees them above the score in a DAW."""
    start_s = cue.range.start.seconds
    return [
        MidiMarker(
            score.tempo_map.quarters_at(hit.time.seconds - start_s),
            hit.label or ("hit" if hit.locked else "hit (not locked)"),
        )
        for hit in cue.hits
    ]
