"""The pictures beside a report: what was composed, and how its sound meets the hits."""

from __future__ import annotations

from pathlib import Path

from emsync import wire
from emsync.cue import CueSheet
from emsync_server.evaluation.hits_picture import draw_hits_picture
from emsync_server.evaluation.piano_roll import draw_piano_roll
from emsync_server.evaluation.report import STEM_SET, TAKE, Report, changes_of
from emsync_server.midi import read_midi

__all__ = ["write_pictures"]

PIANO_ROLL, HITS = "piano-roll.png", "hits.png"


def write_pictures(folder: Path, sheet: CueSheet, report: Report) -> None:
    """Write `piano-roll.png`, and `hits.png` where the take was rendered, beside the take."""
    take = wire.read_take(folder / TAKE)
    score = read_midi(folder / take.midi)
    draw_piano_roll(take, score, sheet).save(folder / PIANO_ROLL)
    if (folder / STEM_SET).is_file():
        stem_set = wire.read_stem_set(folder / STEM_SET)
        changes_s = changes_of(sheet, take.cue).tolist()
        draw_hits_picture(report, folder / stem_set.mix, changes_s).save(folder / HITS)
