"""How a film feels: readings gathered by shot, heads on them, and the fusion of all."""

from __future__ import annotations

from collections.abc import Sequence

from emsync.errors import MissingPartError
from emsync.picture import Boundary
from emsync_server.spotting.emotion import Evidence, curve_of, stretches_of
from emsync_server.spotting.experts import Expert, ExpertRow, Reading, Sense, ShotReadings
from emsync_server.spotting.experts.analysis import read_words
from emsync_server.spotting.experts.by_shot import gather, with_heads
from emsync_server.spotting.experts.people import without_false_faces
from emsync_server.spotting.fusion import Fused, fused

__all__ = ["feel"]


def feel(
    evidence: Evidence,
    readings: Sequence[Reading],
    boundaries: Sequence[Boundary],
    rows: Sequence[ExpertRow],
) -> Fused:
    """The emotion curve and its reasons. A head whose weights are missing is not asked, which
    `emsync models` says."""
    ranges = stretches_of(evidence)
    edges_s = [float(each.start.seconds) for each in ranges] + [float(ranges[-1].end.seconds)]
    heads: list[tuple[ExpertRow, Expert[ShotReadings]]] = []
    for row in rows:
        if row.sense is Sense.READINGS:
            try:
                heads.append((row, row.open()))
            except MissingPartError:
                continue
    words = read_words(readings, rows)
    shots = without_false_faces(with_heads(gather([*readings, *words], edges_s), heads))
    return fused(ranges, shots, curve_of(evidence), boundaries)
