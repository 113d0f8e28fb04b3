"""All measures of one scored cue, from the folder that `emsync score` wrote."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emsync import wire
from emsync.cue import Cue, CueSheet
from emsync.picture import BoundaryKind
from emsync.score import Take
from emsync_server.evaluation.accents import Accents, accents_of_notes
from emsync_server.evaluation.hits import Agreement, agreement
from emsync_server.evaluation.landing import Landed, landed_hits, landed_share, sound_errors
from emsync_server.evaluation.levels import StemLevels, measure_levels
from emsync_server.evaluation.music import (
    MusicMeasures,
    measure_music,
    measures_outside,
    real_ranges,
)
from emsync_server.evaluation.onsets import accents_of_sound
from emsync_server.evaluation.sounding import SoundingNotes
from emsync_server.midi import read_midi
from emsync_server.outputs import write_text

__all__ = [
    "AccentKind",
    "AgreementRow",
    "HitReport",
    "Medium",
    "Report",
    "TargetKind",
    "Tolerance",
    "changes_of",
    "cuts_of",
    "evaluate",
    "hits_of",
    "report_dict",
    "write_report",
]

WIDE_TOLERANCE_S = 0.1
CONTROL_SHIFT_S = 0.06
"""Hits moved by this much, back and forth in turn, must be missed: else the check would find an
attack anywhere.
"""
TAKE, STEM_SET = "take.json", "stems.json"


class Medium(Enum):
    """Where accents were looked for."""

    SCORE = "score"
    SOUND = "sound"


class TargetKind(Enum):
    """What accents ought to fall on."""

    HITS = "hits"
    CUTS = "cuts"


class AccentKind(Enum):
    """Which accents count."""

    ALL = "all"
    STRONG = "strong"


class Tolerance(Enum):
    """How far from a target an accent still counts."""

    FRAME = "1 frame"
    WIDE = "100 ms"

    def seconds(self, rate: Fraction) -> float:
        """The tolerance at a picture's rate."""
        return float(1 / rate) if self is Tolerance.FRAME else WIDE_TOLERANCE_S


@dataclass(frozen=True, slots=True)
class AgreementRow:
    """One way to ask how targets and accents agree (DESIGN §9)."""

    medium: Medium
    targets: TargetKind
    accents: AccentKind
    tolerance: Tolerance
    found: Agreement


@dataclass(frozen=True, slots=True)
class HitReport:
    """The promise: locked hits land within half a frame."""

    half_frame_s: float
    locked: int
    landed_in_score: float | None
    """Share; None without locked hits."""
    landed_in_sound: float | None
    control_in_sound: float | None
    """The same share for hits moved by 60 ms: what this check finds where nothing was meant to be.
    """
    worst_score_error_s: float | None
    median_sound_error_s: float | None
    hits: tuple[Landed, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured of one cue. None: there was nothing to measure."""

    cue: str
    length_s: float
    seed: int
    model: str
    synthesizer: str | None
    hits: HitReport
    agreements: tuple[AgreementRow, ...]
    music: MusicMeasures
    music_unlike_real_pieces: tuple[str, ...]
    """Measures outside the 5 to 95 % of held-out real pieces."""
    levels: StemLevels | None


def evaluate(folder: Path, sheet: CueSheet, *, seed: int = 0) -> Report:
    """Measure the cue whose take, stems and mix lie in `folder`.

    Raises NotFoundError or InputError where the take, its score or its sound cannot be read; a
    take that was not rendered yet is measured as far as its score goes.
    """
    take = wire.read_take(folder / TAKE)
    score = read_midi(folder / take.midi)
    notes = SoundingNotes.of(score)
    stem_set = wire.read_stem_set(folder / STEM_SET) if (folder / STEM_SET).is_file() else None
    sound = folder / stem_set.mix if stem_set else None
    length_s = float(take.cue.range.duration.seconds)
    music = measure_music(score, length_s)
    return Report(
        cue=take.cue.name,
        length_s=length_s,
        seed=take.seed,
        model=take.model,
        synthesizer=stem_set.synthesizer if stem_set else None,
        hits=_hit_report(take, notes, sound),
        agreements=_agreements(take, sheet, notes, sound, seed),
        music=music,
        music_unlike_real_pieces=measures_outside(music, real_ranges()),
        levels=measure_levels(
            folder,
            stem_set,
            round(take.cue.range.duration.seconds * stem_set.sample_rate_hz),
        )
        if stem_set
        else None,
    )


def hits_of(cue: Cue, *, locked_only: bool) -> NDArray[np.float64]:
    """The cue's hits in seconds from its start, (C,)."""
    chosen = [hit for hit in cue.hits if hit.locked or not locked_only]
    return np.array([float(hit.time.seconds - cue.range.start.seconds) for hit in chosen])


def changes_of(sheet: CueSheet, cue: Cue) -> NDArray[np.float64]:
    """Every cut and the middle of every transition inside the cue, in seconds from its start,
    (C,)."""
    return _boundaries_of(sheet, cue, set(BoundaryKind) - {BoundaryKind.MARKER})


def cuts_of(sheet: CueSheet, cue: Cue) -> NDArray[np.float64]:
    """Every cut that was seen inside the cue, in seconds from its start, (C,)."""
    return _boundaries_of(sheet, cue, {BoundaryKind.CUT})


def _boundaries_of(
    sheet: CueSheet, cue: Cue, kinds: AbstractSet[BoundaryKind]
) -> NDArray[np.float64]:
    return np.array(
        [
            float(boundary.time.seconds - cue.range.start.seconds)
            for boundary in sheet.boundaries
            if boundary.kind in kinds and cue.range.contains(boundary.time)
        ]
    )


def write_report(report: Report, path: Path) -> None:
    """Write a report as JSON."""
    write_text(path, json.dumps(report_dict(report), indent=2, ensure_ascii=False) + "\n")


def report_dict(report: Report) -> dict[str, Any]:
    """A report as JSON has it: enums by their value; null for what is not known or infinite."""
    plain = _plain(report)
    assert isinstance(plain, dict)
    return plain


def _hit_report(take: Take, notes: SoundingNotes, sound: Path | None) -> HitReport:
    half_frame_s = float(1 / take.picture.rate / 2)
    times = hits_of(take.cue, locked_only=True)
    landed = landed_hits(times.tolist(), notes, sound)
    sound_errors_s = [hit.sound_error_s for hit in landed]
    score_errors_s = [hit.score_error_s for hit in landed]
    known = [abs(error) for error in score_errors_s if error is not None]
    heard = [error for error in sound_errors_s if error is not None]
    return HitReport(
        half_frame_s,
        len(times),
        landed_share(score_errors_s, half_frame_s),
        landed_share(sound_errors_s, half_frame_s) if sound else None,
        _control(times, sound, half_frame_s) if sound else None,
        max(known) if known else None,
        float(np.median(heard)) if heard else None,
        landed,
    )


def _control(times: NDArray[np.float64], sound: Path, half_frame_s: float) -> float | None:
    """The share of hits that land by accident: the same hits, moved to where no accent is meant."""
    moved = times + np.where(np.arange(len(times)) % 2, -CONTROL_SHIFT_S, CONTROL_SHIFT_S)
    errors = [error for error, _ in sound_errors(np.sort(moved), sound)]
    return landed_share(errors, half_frame_s)


def _agreements(
    take: Take, sheet: CueSheet, notes: SoundingNotes, sound: Path | None, seed: int
) -> tuple[AgreementRow, ...]:
    media = {Medium.SCORE: accents_of_notes(notes)}
    if sound:
        media[Medium.SOUND] = accents_of_sound(sound)
    targets = {
        TargetKind.HITS: hits_of(take.cue, locked_only=False),
        TargetKind.CUTS: cuts_of(sheet, take.cue),
    }
    return tuple(
        AgreementRow(
            medium,
            target,
            kind,
            tolerance,
            agreement(
                times,
                _chosen(accents, kind),
                length_s=float(take.cue.range.duration.seconds),
                tolerance_s=tolerance.seconds(take.picture.rate),
                seed=seed,
            ),
        )
        for medium, accents in media.items()
        for target, times in targets.items()
        for kind in AccentKind
        for tolerance in Tolerance
    )


def _chosen(accents: Accents, kind: AccentKind) -> NDArray[np.float64]:
    return accents.all_s if kind is AccentKind.ALL else accents.strong_s


def _plain(value: object) -> object:
    """A value as JSON has it."""
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
