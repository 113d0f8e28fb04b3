"""The earlier take of a cue carried over to its new picture; what is missing then is composed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from emsync import wire
from emsync.cue import Cue, CueSheet
from emsync.score import Take
from emsync.settings import ComposeSettings
from emsync_server.composition.conforming import Conformed, KeptPicture, conform
from emsync_server.midi import read_midi, write_midi
from emsync_server.outputs import write_text
from emsync_server.progress import Progress

__all__ = ["CarriedOver", "compose_conformed"]

Compose = Callable[[CueSheet, str, Path, ComposeSettings, Progress], tuple[Take, ...]]
"""The composition step, here or on a server."""


@dataclass(frozen=True, slots=True)
class CarriedOver:
    """A take of which some bars are those of an earlier one."""

    take: Take
    kept_bars: int
    """Bars whose notes are as they were."""


def compose_conformed(
    new: tuple[CueSheet, Cue],
    earlier: tuple[Take, Path],
    kept: Sequence[KeptPicture],
    folder: Path,
    compose: Compose,
    progress: Progress,
) -> CarriedOver:
    """Compose a cue of a sheet into `folder`, with the bars of an earlier take where the picture
    is the same; the whole cue where no bar can be kept.

    earlier: the take, and the folder with its MIDI.
    """
    (sheet, cue), (take, old_folder) = new, earlier
    score = replace(read_midi(old_folder / take.midi), tempo_map=take.tempo_map)
    conformed = conform(score, take.cue, cue, kept, take.seed)
    if conformed is None:
        settings = ComposeSettings(seed=take.seed)
        return CarriedOver(compose(sheet, cue.name, folder, settings, progress)[0], 0)
    made = _laid_out(conformed, take, sheet, folder)
    for number, window in enumerate(conformed.windows, start=1):
        share = progress.part(
            (number - 1) / len(conformed.windows), number / len(conformed.windows)
        )
        now = _with_hits_so_far(conformed, number)
        cues = tuple(now if one.name == cue.name else one for one in sheet.cues)
        settings = ComposeSettings(seed=take.seed, bars=window)
        (made, *_) = compose(replace(sheet, cues=cues), cue.name, folder, settings, share)
    return CarriedOver(made, conformed.kept_bars)


def _laid_out(conformed: Conformed, take: Take, sheet: CueSheet, folder: Path) -> Take:
    """The kept bars in their new places, for the step that writes those between."""
    write_midi(conformed.score, folder / take.midi)
    laid = replace(
        take,
        picture=sheet.picture,
        cue=conformed.cue,
        tempo_map=conformed.score.tempo_map,
        number=1,
        measures=(),
    )
    write_text(folder / "take.json", wire.dumps(laid))
    return laid


def _with_hits_so_far(conformed: Conformed, number: int) -> Cue:
    """The cue without the hits of windows that are not written yet: nothing can land there."""
    tempo_map, start_s = conformed.score.tempo_map, conformed.cue.range.start.seconds
    bars = tempo_map.bars()
    waiting = []
    for first, stop in conformed.windows[number:]:
        last = bars[stop - 2]
        edges = (bars[first - 1].start_q, last.start_q + last.length_q)
        waiting.append(tuple(tempo_map.seconds_at(edge) + start_s for edge in edges))
    hits = tuple(
        hit
        for hit in conformed.cue.hits
        if not any(begin <= hit.time.seconds < end for begin, end in waiting)
    )
    return replace(conformed.cue, hits=hits)
