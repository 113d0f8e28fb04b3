"""A score made again after a re-edit: what the picture did not change stays, note for note.

Cues over the same picture keep their files byte for byte, wherever they lie now. In the others the
bars over the same picture keep their notes, and those between are composed anew.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from emsync import wire
from emsync.cue import Cue, CueSheet
from emsync.errors import InputError, NotFoundError
from emsync.score import Take
from emsync.stem import StemSet
from emsync_otio import PlacedCue, is_timeline, kept_spans_of
from emsync_server.app import (
    SHARES,
    Scored,
    ScoreSettings,
    check_score_folder,
    cue_folder,
    finished,
    landing_in,
    placed_in_editors_file,
)
from emsync_server.composition import compose_conformed
from emsync_server.outputs import write_text
from emsync_server.progress import Progress
from emsync_server.recut import cue_now, is_unchanged, kept_in
from emsync_server.rpc.steps import LocalSteps, Steps

__all__ = ["Again", "score_again"]


@dataclass(frozen=True, slots=True)
class Again:
    """What a re-score left, and how much of it is as it was."""

    scored: Scored
    unchanged_cues: tuple[str, ...]
    """Their MIDI and stems are the same bytes as before."""
    kept_bars: int
    """In the other cues, bars whose notes are the same as before."""
    all_bars: int
    """Of the other cues."""


@dataclass(frozen=True, slots=True)
class _Old:
    """The earlier score of one cue."""

    cue: Cue
    take: Take
    stems: StemSet
    folder: Path


def score_again(
    source: Path,
    earlier: Path,
    folder: Path,
    settings: ScoreSettings,
    progress: Progress,
    steps: Steps | None = None,
) -> Again:
    """Score the new version of a timeline into `folder`, from the score of the old one in
    `earlier`, which stays as it is unless both are one folder.

    Raises the steps' errors, and InputError where the two cannot be compared.
    """
    steps = steps or LocalSteps()
    sheet, olds = _earlier_score(source, earlier)
    check_score_folder(source, folder)
    with landing_in(folder) as working:
        spotted = steps.spot(source, settings.spot, progress.part(0.0, SHARES["spot"]))
        _check_comparable(sheet, spotted, source)
        kept = kept_spans_of(earlier / "timeline.otio", source)
        cues = tuple(cue_now(old.cue, sheet, spotted, kept) for old in olds)
        new_sheet = replace(spotted, cues=cues)
        write_text(working / "cues.json", wire.dumps(new_sheet))
        placed, unchanged, kept_bars, all_bars = [], [], 0, 0
        making = progress.part(SHARES["spot"], SHARES["render"])
        for index, (old, cue) in enumerate(zip(olds, cues, strict=True)):
            inside = cue_folder(new_sheet, cue, working)
            part = making.part(index / len(cues), (index + 1) / len(cues))
            same = kept_in(old.cue, cue, kept)
            if is_unchanged(old.cue, cue, same):
                placed.append(_carried(old, replace(new_sheet, cues=cues), cue, inside))
                unchanged.append(cue.name)
                continue
            inside.mkdir(parents=True, exist_ok=True)
            made = compose_conformed(
                (new_sheet, cue),
                (old.take, old.folder),
                same,
                inside,
                steps.compose,
                part.part(0.0, 0.7),
            )
            kept_bars += made.kept_bars
            all_bars += len(made.take.tempo_map.bars())
            new_sheet = replace(
                new_sheet,
                cues=tuple(
                    made.take.cue if one.name == cue.name else one for one in new_sheet.cues
                ),
            )
            stems = steps.render(inside / "take.json", inside, settings.render, part.part(0.7, 1.0))
            placed.append(PlacedCue(made.take, stems, inside))
        write_text(working / "cues.json", wire.dumps(new_sheet))
        scored = finished(source, folder, working, new_sheet, placed, progress)
    placed_in_editors_file(source, scored)
    return Again(scored, tuple(unchanged), kept_bars, all_bars)


def _earlier_score(source: Path, earlier: Path) -> tuple[CueSheet, list[_Old]]:
    if not is_timeline(source):
        raise InputError(
            f"'{source.name}' is a film: what of it is new cannot be told. Score a timeline of it, "
            "or score the film without --again."
        )
    for name in ("cues.json", "timeline.otio"):
        if not (earlier / name).is_file():
            raise NotFoundError(
                f"'{earlier}' holds no earlier score of a timeline: it has no {name}. "
                "Name the folder that 'emsync score' wrote for the old edit."
            )
    sheet = wire.read_cue_sheet(earlier / "cues.json")
    olds = []
    for cue in sheet.cues:
        inside = cue_folder(sheet, cue, earlier)
        take, stems = (
            wire.read_take(inside / "take.json"),
            wire.read_stem_set(inside / "stems.json"),
        )
        olds.append(_Old(take.cue, take, stems, inside))
    return sheet, olds


def _check_comparable(old: CueSheet, new: CueSheet, source: Path) -> None:
    if old.picture.rate != new.picture.rate:
        raise InputError(
            f"'{source.name}' runs at {float(new.picture.rate):.5g} frames per second, the earlier "
            f"score at {float(old.picture.rate):.5g}. Score it without --again."
        )


def _carried(old: _Old, sheet: CueSheet, cue: Cue, inside: Path) -> PlacedCue:
    """The earlier files of a cue, with its new place in each of its takes."""
    shift = cue.range.start - old.cue.range.start
    hits = tuple(replace(hit, time=hit.time + shift) for hit in old.cue.hits)
    now = replace(cue, hits=hits)
    inside.mkdir(parents=True, exist_ok=True)
    for name in ("stems.json", old.stems.mix, *(s.path for s in old.stems.stems)):
        (inside / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(old.folder / name, inside / name)
    for path in sorted(old.folder.glob("take*.json")):
        take = wire.read_take(path)
        if take.cue != old.take.cue or not (old.folder / take.midi).is_file():
            continue  # of a score that lay here before
        shutil.copyfile(old.folder / take.midi, inside / take.midi)
        moved = replace(take, picture=sheet.picture, cue=now)
        write_text(inside / path.name, wire.dumps(moved))
    return PlacedCue(wire.read_take(inside / "take.json"), old.stems, inside)
