"""Whether the music measures like real pieces of its style, and how it ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from emsync.cue import Brief, Style
from emsync.score import Score
from emsync_server.composition.instruments import INSTRUMENTS
from emsync_server.evaluation.composer.extent import Extent
from emsync_server.evaluation.composer.findings import Finding, Row
from emsync_server.evaluation.composer.studio import Commission, Composed, Studio
from emsync_server.evaluation.composer.trial_cues import trial_sheet
from emsync_server.evaluation.endings import ending_of
from emsync_server.evaluation.music import Range
from emsync_server.evaluation.sounding import SoundingNotes
from emsync_server.evaluation.style_ranges import (
    StyleRanges,
    all_measures,
    good_endings_of_real_pieces,
    register_ranges,
    style_ranges,
)
from emsync_server.evaluation.texture import instrument_registers
from emsync_server.progress import Progress

__all__ = ["StyleTake", "compose_styles", "inside_share", "measure_endings", "measure_plausibility"]

FIRST_SEED = 700
PLAYER_OF_PROGRAM = {player.program: player.name for player in INSTRUMENTS[:-1]}
EMOTIONS = (
    ((0.0, 0.5, 0.3), (1.0, 0.7, 0.6)),
    ((0.0, -0.5, -0.4), (1.0, -0.3, 0.2)),
    ((0.0, -0.6, 0.6), (1.0, -0.4, 0.1)),
    ((0.0, 0.3, -0.6), (1.0, 0.6, 0.0)),
    ((0.0, 0.0, 0.0), (1.0, 0.2, 0.8)),
    ((0.0, 0.6, 0.2), (1.0, -0.6, -0.2)),
)
"""(share of the cue, valence, arousal): each cue of a style goes from one to the other."""
BAR_ENDINGS = 0.9
PROMISED = frozenset(
    (
        "pitch_class_entropy_bits",
        "scale_consistency",
        "groove_consistency",
        "polyphony",
        "empty_beats_share",
        "longest_silence_s",
    )
)
"""What is promised to lie inside the ranges of real pieces (DESIGN §9)."""

StyleTake = tuple[Style, Composed]


def compose_styles(studio: Studio, extent: Extent, progress: Progress) -> list[StyleTake]:
    """Some cues of each style."""
    asked = [(style, index) for style in Style for index in range(extent.style_cues)]
    commissions = [
        Commission(
            trial_sheet(
                extent.style_s,
                [(at * extent.style_s, v, a) for at, v, a in EMOTIONS[index % len(EMOTIONS)]],
                brief=Brief(style=style),
            ),
            FIRST_SEED + index,
        )
        for style, index in asked
    ]
    takes = studio.compose(commissions, progress, "composing cues of each style")
    return [(style, one[0]) for (style, _), one in zip(asked, takes, strict=True)]


def measure_plausibility(takes: Sequence[StyleTake], extent: Extent) -> Finding:
    """Means by style inside the ranges of real pieces of the style."""
    by_style: dict[Style, list[dict[str, float | None]]] = defaultdict(list)
    for style, composed in takes:
        by_style[style].append(all_measures(composed.score, extent.style_s))
    rows: list[Row] = []
    facts: dict[str, object] = {}
    for style, measured in by_style.items():
        real = style_ranges(style.value)
        means = {name: _mean([one[name] for one in measured]) for name in measured[0]}
        outside = {
            name: mean
            for name, mean in means.items()
            if mean is not None and name in real.ranges and not real.ranges[name].contains(mean)
        }
        facts[style.value] = {"means": means, "ranges of": real.of, "outside": outside}
        rows.extend(_style_rows(style, len(measured), means, real))
    rows.append(_registers([composed.score for _, composed in takes], facts))
    return Finding("plausibility", tuple(rows), facts)


def _style_rows(
    style: Style, cues: int, means: dict[str, float | None], real: StyleRanges
) -> tuple[Row, Row]:
    """The measures that have a bar, and the others, which say where to listen."""
    whose = f"{real.excerpts} minutes of {real.pieces} real pieces"
    whose += "" if real.of == style.value else " of all kinds"
    known = {n: mean for n, mean in means.items() if mean is not None and n in real.ranges}
    rows = []
    for named, words in ((True, f"{cues} cues, {whose}"), (False, "lines, breath and form")):
        group = {name: mean for name, mean in known.items() if (name in PROMISED) == named}
        outside = {n: mean for n, mean in group.items() if not real.ranges[n].contains(mean)}
        rows.append(
            Row(
                f"plausibility: {style.value} ({words})",
                f"{len(group) - len(outside)} of {len(group)} means inside"
                + _listed(outside, real.ranges),
                "all inside 5 to 95 %" if named else "",
                not outside if named else None,
            )
        )
    return rows[0], rows[1]


def measure_endings(takes: Sequence[Composed]) -> Finding:
    """How takes end."""
    found = []
    for composed in takes:
        end_s = float(composed.score.tempo_map.end_s)
        ending = ending_of(SoundingNotes.of(composed.score), end_s)
        if ending is not None:
            found.append(ending)
    tonic = float(np.mean([one.is_tonic for one in found]))
    struck = float(np.mean([one.struck_before_end_s >= 0 for one in found]))
    held = float(np.mean([one.held_to_end for one in found]))
    good = float(np.mean([one.is_good for one in found]))
    real = good_endings_of_real_pieces()
    row = Row(
        "endings: stable chord of the estimated key, struck before the out-point, left to ring",
        f"{good:.0%} of {len(found)} takes (tonic {tonic:.0%}, struck in time {struck:.0%}, held "
        f"{held:.0%}; real pieces by the same measure {real:.0%})",
        "≥ 90 %",
        good >= BAR_ENDINGS,
    )
    return Finding("endings", (row,), {"takes": found})


def inside_share(score: Score, length_s: float, style: str = "all") -> float:
    """The share of the measures of one score that lie inside the ranges of real pieces."""
    ranges = style_ranges(style).ranges
    measured = all_measures(score, length_s)
    known = {name: v for name, v in measured.items() if v is not None and name in ranges}
    return float(np.mean([ranges[name].contains(value) for name, value in known.items()]))


def _registers(scores: Sequence[Score], facts: dict[str, object]) -> Row:
    """Whether instruments play where they play in real pieces."""
    ranges = register_ranges()
    inside, total = 0, 0
    outside: dict[str, list[float]] = defaultdict(list)
    for score in scores:
        for program, pitch in instrument_registers(score).items():
            if program in ranges:
                total += 1
                inside += ranges[program].contains(pitch)
                if not ranges[program].contains(pitch):
                    outside[PLAYER_OF_PROGRAM.get(program, str(program))].append(round(pitch, 1))
    facts["registers outside"] = outside
    worst = sorted(outside, key=lambda name: -len(outside[name]))[:4]
    named = ", ".join(f"{name} {len(outside[name])}×" for name in worst)
    return Row(
        "plausibility: register of each instrument",
        f"{inside} of {total} parts inside 5 to 95 % of real parts"
        + (f"; outside: {named}" if named else ""),
        "≥ 90 % inside, as of real parts",
        total > 0 and inside >= 0.9 * total,
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _listed(outside: dict[str, float], ranges: dict[str, Range]) -> str:
    if not outside:
        return ""
    return "; outside: " + ", ".join(
        f"{name.replace('_', ' ')} {mean:.2f} ({ranges[name].low:.2f} to {ranges[name].high:.2f})"
        for name, mean in outside.items()
    )
