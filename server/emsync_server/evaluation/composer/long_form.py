"""Whether ten minutes hold together: the last third is like the first, and material comes back."""

from __future__ import annotations

from dataclasses import fields, replace
from fractions import Fraction

import numpy as np

from emsync.score import Meter, Note, Score, TempoAnchor, TempoMap
from emsync_server.evaluation.composer.extent import Extent
from emsync_server.evaluation.composer.findings import Finding, Row
from emsync_server.evaluation.composer.studio import Commission, Composed, Studio
from emsync_server.evaluation.composer.trial_cues import trial_sheet
from emsync_server.evaluation.form import measure_form
from emsync_server.evaluation.style_ranges import all_measures, long_ranges
from emsync_server.progress import Progress

__all__ = ["cut_score", "measure_long_form"]

SEED = 1100
WINDOW_S = 30.0
WAVES = 3  # of the emotion over the whole: each third is asked for the same
POINTS = 61
LEAST_FILM_S = 300.0  # real pieces are this long at the least


def measure_long_form(
    studio: Studio, extent: Extent, progress: Progress
) -> tuple[Finding, Composed]:
    """Compose one long cue whose thirds are asked for the same, and compare them."""
    moments = np.linspace(0, extent.long_s, POINTS)
    phase = 2 * np.pi * WAVES * moments / extent.long_s
    points = [
        (float(t), 0.4 * float(np.sin(p)), 0.4 * float(np.sin(2 * p + 1)))
        for t, p in zip(moments, phase, strict=True)
    ]
    commission = Commission(trial_sheet(extent.long_s, points), SEED)
    ((composed, *_),) = studio.compose([commission], progress, "composing a long cue")
    thirds = [_windows(composed.score, extent.long_s, third) for third in range(3)]
    first, last = thirds[0], thirds[2]
    outside, compared = [], 0
    for name in first[0]:
        before = [value for one in first if (value := one[name]) is not None]
        after = [value for one in last if (value := one[name]) is not None]
        if before and after:
            compared += 1
            if not min(before) <= float(np.mean(after)) <= max(before):
                outside.append(name)
    form = measure_form(composed.score)
    real = long_ranges()
    rows = [
        Row(
            f"long form: {extent.long_s / 60:.0f} minutes, means of the last third inside the "
            "range of the first",
            f"{compared - len(outside)} of {compared}"
            + (f"; outside: {', '.join(outside).replace('_', ' ')}" if outside else ""),
            "all",
            not outside,
        )
    ]
    for field in fields(form):
        value = getattr(form, field.name)
        if value is None or field.name not in real:
            continue
        is_comparable = extent.long_s >= LEAST_FILM_S
        rows.append(
            Row(
                f"long form: {field.name.replace('_', ' ')}",
                f"{value:.2f}; real pieces of five minutes or more {real[field.name].low:.2f} to "
                f"{real[field.name].high:.2f}",
                "inside" if is_comparable else "",
                real[field.name].contains(value) if is_comparable else None,
            )
        )
    facts = {"form": form, "thirds": thirds, "outside": outside}
    return Finding("long form", tuple(rows), facts), composed


def cut_score(score: Score, start_q: Fraction, end_q: Fraction) -> Score:
    """The notes that begin in a stretch, as a score of its own; notes end with it."""
    tempo = score.tempo_map
    start_s = tempo.seconds_at(start_q)
    anchors = [
        TempoAnchor(Fraction(0), Fraction(0)),
        *(
            TempoAnchor(anchor.time_q - start_q, anchor.time_s - start_s)
            for anchor in tempo.anchors
            if start_q < anchor.time_q < end_q
        ),
        TempoAnchor(end_q - start_q, tempo.seconds_at(end_q) - start_s),
    ]
    running = [meter for meter in tempo.meters if meter.start_q <= start_q][-1]
    later = [meter for meter in tempo.meters if start_q < meter.start_q < end_q]
    meters = [
        Meter(max(meter.start_q - start_q, Fraction(0)), meter.numerator, meter.denominator)
        for meter in (running, *later)
    ]
    parts = tuple(
        replace(
            part,
            notes=tuple(
                Note(n.start_q - start_q, min(n.length_q, end_q - n.start_q), n.pitch, n.velocity)
                for n in part.notes
                if start_q <= n.start_q < end_q
            ),
        )
        for part in score.parts
    )
    return Score(parts, TempoMap(tuple(anchors), tuple(meters)))


def _windows(score: Score, length_s: float, third: int) -> list[dict[str, float | None]]:
    """Measures of each half-minute of a third, by whole bars."""
    begin, end = third * length_s / 3, (third + 1) * length_s / 3
    tempo = score.tempo_map
    lines = [
        bar.start_q for bar in tempo.bars() if begin <= float(tempo.seconds_at(bar.start_q)) < end
    ]
    measured = []
    start = 0
    for index in range(1, len(lines)):
        width_s = float(tempo.seconds_at(lines[index]) - tempo.seconds_at(lines[start]))
        if width_s >= WINDOW_S - 1:
            part = cut_score(score, lines[start], lines[index])
            measured.append(all_measures(part, width_s))
            start = index
    return measured or [all_measures(score, length_s)]
