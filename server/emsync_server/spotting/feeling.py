"""How a film feels: readings gathered by shot, heads on them, and the fusion of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from emsync.emotion import EmotionCurve, ShotNotes
from emsync.errors import MissingPartError
from emsync.picture import Boundary
from emsync_server.spotting.emotion import Evidence, curve_of, stretches_of
from emsync_server.spotting.experts import Expert, ExpertRow, Reading, Sense, ShotReadings
from emsync_server.spotting.experts.analysis import read_words
from emsync_server.spotting.experts.by_shot import gather, with_heads
from emsync_server.spotting.experts.people import without_false_faces
from emsync_server.spotting.fusion import fused
from emsync_server.spotting.networks import ask_networks

__all__ = ["Felt", "feel"]


@dataclass(frozen=True, slots=True)
class Felt:
    """How it feels, and why."""

    curve: EmotionCurve
    shots: tuple[ShotNotes, ...]
    genres: tuple[tuple[str, float], ...] | None
    """Of the film, the likeliest first. None: no genre network is installed."""
    complaints: tuple[str, ...]
    """Sentences about networks that could not be asked."""


def feel(
    evidence: Evidence,
    readings: Sequence[Reading],
    boundaries: Sequence[Boundary],
    rows: Sequence[ExpertRow],
) -> Felt:
    """The emotion curve and its reasons. A head whose weights are missing is not asked, which
    `emsync models` says."""
    ranges = stretches_of(evidence)
    edges_s = [float(each.start.seconds) for each in ranges] + [float(ranges[-1].end.seconds)]
    # Who is asked for a network's sake alone has no voice of its own.
    voices = [row for row in rows if row.on_by_default]
    silent = {row.name for row in rows} - {row.name for row in voices}
    spoken = [each for each in readings if each.expert not in silent]
    words = read_words(spoken, voices)
    shots = with_heads(gather([*spoken, *words], edges_s), _heads(voices))
    answers = ask_networks(without_false_faces(shots), readings, rows)
    found = fused(ranges, answers.shots, curve_of(evidence), boundaries)
    return Felt(found.curve, found.shots, answers.genres, answers.complaints)


def _heads(rows: Sequence[ExpertRow]) -> list[tuple[ExpertRow, Expert[ShotReadings]]]:
    heads: list[tuple[ExpertRow, Expert[ShotReadings]]] = []
    for row in rows:
        if row.sense is Sense.READINGS:
            try:
                heads.append((row, row.open()))
            except MissingPartError:
                continue
    return heads
