"""Whether ten minutes hold together: the last third is like the first, and material comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction

import numpy as np

from emsync.cue import Brief, Style
from emsync.score import Meter, Note, Score, TempoAnchor, TempoMap
from emsync_server.evaluation.composer.extent import Extent
from emsync_server.evaluation.composer.findings import Finding, Row
from emsync_server.evaluation.composer.studio import Commission, Composed, Studio
from emsync_server.evaluation.composer.trial_cues import trial_sheet
from emsync_server.evaluation.form import measure_form
from emsync_server.evaluation.style_ranges import all_measures, long_ranges
from emsync_server.progress import Progress

__all__ = ["ThirdsCompared", "cut_score", "drift_row", "measure_long_form"]

SEED = 1100
WINDOW_S = 30.0
WAVES = 3  # of the emotion over the whole: each third is asked for the same
POINTS = 61
BRIEFS = (None, Brief(style=Style.ORCHESTRAL), Brief(style=Style.GAME))
"""In turn."""
LEAST_FILM_S = 300.0  # real pieces are this long at the least


@dataclass(frozen=True, slots=True)
class ThirdsCompared:
    """A measure over half-minutes of the first third, and its mean over those of the last."""

    low: float
    high: float
    last: float

    @property
    def side(self) -> int:
        """-1 where the last lies below the range of the first, 1 above, 0 inside."""
        return int(self.last > self.high) - int(self.last < self.low)


def measure_long_form(
    studio: Studio, extent: Extent, progress: Progress
) -> tuple[Finding, Composed]:
    """Compose some long cues whose thirds are asked for the same, and compare these.

    One cue says little: in a mean over half-minutes a solo or a waltz in the first third shows, and
    with twenty measures one or two lie outside by chance. A measure drifts where, in most cues,
    the mean of the last third lies outside the range of the first on the same side.
    """
    commissions = [
        Commission(
            trial_sheet(
                extent.long_s, _waves(extent.long_s, number), brief=BRIEFS[number % len(BRIEFS)]
            ),
            SEED + number,
        )
        for number in range(extent.long_cues)
    ]
    takes = studio.compose(commissions, progress, "composing long cues")
    long = [one[0] for one in takes]
    compared = [_compared(one.score, extent.long_s) for one in long]
    rows = [drift_row(compared, extent.long_s)]
    forms = [measure_form(one.score) for one in long]
    real = long_ranges()
    for field in fields(forms[0]):
        values = [value for form in forms if (value := getattr(form, field.name)) is not None]
        if not values or field.name not in real:
            continue
        is_comparable = extent.long_s >= LEAST_FILM_S
        each = ", ".join(f"{value:.2f}" for value in values)
        rows.append(
            Row(
                f"long form: {field.name.replace('_', ' ')}",
                f"{each}; real pieces of five minutes or more {real[field.name].low:.2f} to "
                f"{real[field.name].high:.2f}",
                "mean inside" if is_comparable else "",
                real[field.name].contains(float(np.mean(values))) if is_comparable else None,
            )
        )
    return Finding("long form", tuple(rows), {"forms": forms, "thirds": compared}), long[0]


def _waves(length_s: float, number: int) -> list[tuple[float, float, float]]:
    """(seconds, valence, arousal): each third the same, each cue with waves of its own."""
    moments = np.linspace(0, length_s, POINTS)
    phase = 2 * np.pi * WAVES * moments / length_s + number
    return [
        (float(t), 0.4 * float(np.sin(p)), 0.4 * float(np.sin(2 * p + 1)))
        for t, p in zip(moments, phase, strict=True)
    ]


def _compared(score: Score, length_s: float) -> dict[str, ThirdsCompared]:
    """Each measure that both the first and the last third have."""
    first, last = (_windows(score, length_s, third) for third in (0, 2))
    found = {}
    for name in first[0]:
        before = [value for one in first if (value := one[name]) is not None]
        after = [value for one in last if (value := one[name]) is not None]
        if before and after:
            found[name] = ThirdsCompared(min(before), max(before), float(np.mean(after)))
    return found


def drift_row(compared: Sequence[Mapping[str, ThirdsCompared]], length_s: float) -> Row:
    """Which measures drift, and how many of each cue lie inside."""
    names = list(dict.fromkeys(name for one in compared for name in one))
    sides = {name: [one[name].side for one in compared if name in one] for name in names}
    drifting = [
        name
        for name, found in sides.items()
        if max(found.count(1), found.count(-1)) > len(compared) / 2
    ]
    by_cue = ", ".join(
        f"{sum(third.side == 0 for third in one.values())} of {len(one)}" for one in compared
    )
    return Row(
        f"long form: {length_s / 60:.0f} minutes, means of the last third inside the range of the "
        f"first, in most of {len(compared)} cues",
        f"{len(names) - len(drifting)} of {len(names)} (cue by cue {by_cue})"
        + (f"; drifting: {', '.join(drifting).replace('_', ' ')}" if drifting else ""),
        "all",
        not drifting,
    )


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
