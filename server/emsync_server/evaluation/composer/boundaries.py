"""Whether the network hears boundaries coming: random hits that no rule enforces.

Each plan is composed with the same seed, and so the same bars, in four ways: told the hits with
guidance of the offsets, told none, told the hits moved round the cue by a random number of beats
(with guidance), and told the hits without guidance. A hit lies on a random beat of the plan and is
not locked: it changes neither the plan nor the rules, and only the network's offsets know of it.
No texture says which notes are due.

Chance is counted twice. As DESIGN §9 has it: all hits of a plan moved round the cue by a random
time. And harder: moved by a random number of whole beats, since music has its accents on beats
anyway, hits or no hits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from emsync.cue import CueSheet
from emsync.errors import EmsyncError
from emsync.score import TempoMap
from emsync_server.composition import UNGUIDED, Guidance
from emsync_server.evaluation.accents import accents_of_notes
from emsync_server.evaluation.composer.extent import Extent
from emsync_server.evaluation.composer.findings import Finding, Row
from emsync_server.evaluation.composer.studio import Commission, Composed, Studio
from emsync_server.evaluation.composer.trial_cues import flat, trial_sheet, with_heard_hits
from emsync_server.evaluation.hits import Trial, pooled_agreement, shares_with_accent
from emsync_server.evaluation.sounding import SoundingNotes
from emsync_server.progress import Progress

__all__ = ["BeatAgreement", "measure_boundaries", "moved_by_beats"]

TOLERANCE_S = 0.1
BAR_TOLD, BAR_CONTROL = 0.5, 0.05
DRAWS = 1000
FIRST_SEED = 500
FIRST_S, LAST_S = 3.0, 5.0  # no hit so near to the start and to the end
SPACING_S = (3.0, 6.0)
EMOTION = 0.8
GUIDED = Guidance(offsets=3.0)
WITHHELD = "withheld"
WAYS = {
    "told": GUIDED,
    WITHHELD: UNGUIDED,
    "told elsewhere": GUIDED,
    "told, without guidance": UNGUIDED,
}
"""How each plan is composed, and with which guidance."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class BeatAgreement:
    """κ against hits moved by whole beats."""

    hit_share: float
    chance_share: float
    kappa: float
    low: float
    """95 % when plans are drawn anew."""
    high: float


@dataclass(frozen=True, slots=True)
class _Plan:
    beats_s: Floats
    hits: Ints
    """Indices of beats."""
    elsewhere: Ints

    def told(self, way: str) -> Ints:
        """The hits that the network is told of."""
        return self.elsewhere if way == "told elsewhere" else self.hits


def measure_boundaries(studio: Studio, extent: Extent, progress: Progress) -> Finding:
    """Compose every plan in the three ways, and compare its strong accents with its hits."""
    sheets = [_sheet(index, extent) for index in range(extent.plans)]
    seeds = [FIRST_SEED + index for index in range(extent.plans)]
    withheld = _composed(studio, sheets, seeds, WITHHELD, progress.part(0.0, 0.15))
    plans = [_plan(one.score.tempo_map, seed) for one, seed in zip(withheld, seeds, strict=True)]
    takes = {WITHHELD: withheld}
    for number, way in enumerate(way for way in WAYS if way != WITHHELD):
        heard = [
            with_heard_hits(sheet, _moments(one.score.tempo_map, plan.told(way)))
            for sheet, one, plan in zip(sheets, withheld, plans, strict=True)
        ]
        part = progress.part(0.15 + 0.28 * number, 0.43 + 0.28 * number)
        takes[way] = _composed(studio, heard, seeds, way, part)
        _check_plans(withheld, takes[way])
    return _finding(plans, takes, extent)


def _composed(
    studio: Studio, sheets: Sequence[CueSheet], seeds: Sequence[int], way: str, progress: Progress
) -> list[Composed]:
    commissions = [
        Commission(sheet, seed, candidates=1, guidance=WAYS[way], textured=False)
        for sheet, seed in zip(sheets, seeds, strict=True)
    ]
    note = f"composing plans, hits {way}"
    return [takes[0] for takes in studio.compose(commissions, progress, note)]


def moved_by_beats(
    beats_s: Sequence[Floats],
    hits: Sequence[Ints],
    accents_s: Sequence[Floats],
    *,
    seed: int = 0,
    draws: int = DRAWS,
) -> BeatAgreement:
    """κ where chance is every hit of a plan moved round its beats by one random number of them."""
    rng = np.random.default_rng(seed)
    weights = np.array([len(one) for one in hits], dtype=np.float64)
    found, chance = np.zeros(len(hits)), np.zeros(len(hits))
    for index, (beats, one, accents) in enumerate(zip(beats_s, hits, accents_s, strict=True)):
        if len(one):
            moves = np.arange(1, len(beats))
            moved = beats[(one[None, :] + moves[:, None]) % len(beats)]
            found[index] = shares_with_accent(beats[one][None], accents, TOLERANCE_S)[0]
            chance[index] = shares_with_accent(moved, accents, TOLERANCE_S).mean()
    kappas = []
    for _ in range(draws):
        rows = rng.integers(len(hits), size=len(hits))
        kappas.append(_kappa(found[rows], chance[rows], weights[rows])[2])
    low, high = np.percentile(kappas, [2.5, 97.5])
    share, by_chance, kappa = _kappa(found, chance, weights)
    return BeatAgreement(share, by_chance, kappa, float(low), float(high))


def _kappa(found: Floats, chance: Floats, weights: Floats) -> tuple[float, float, float]:
    total = max(float(weights.sum()), 1e-9)
    share, by_chance = float(found @ weights / total), float(chance @ weights / total)
    return share, by_chance, (share - by_chance) / max(1 - by_chance, 1e-9)


def _sheet(index: int, extent: Extent) -> CueSheet:
    rng = np.random.default_rng([FIRST_SEED, index])
    valence, arousal = rng.uniform(-EMOTION, EMOTION, 2).round(3)
    return trial_sheet(extent.plan_s, flat(float(valence), float(arousal)))


def _plan(tempo: TempoMap, seed: int) -> _Plan:
    """Random hits on the plan's beats, and the same hits moved round them by a random number."""
    rng = np.random.default_rng([FIRST_SEED, 1, seed])
    end_s = float(tempo.end_s)
    moments = np.array([float(tempo.seconds_at(Fraction(q))) for q in range(int(tempo.end_q) + 1)])
    beats_s = moments[(moments >= FIRST_S) & (moments <= end_s - LAST_S)]
    wanted: list[int] = []
    time_s = FIRST_S + rng.uniform(0, SPACING_S[0])
    while time_s < end_s - LAST_S and len(beats_s):
        wanted.append(int(np.argmin(abs(beats_s - time_s))))
        time_s += rng.uniform(*SPACING_S)
    hits = np.unique(np.array(wanted, np.int64))
    # Any move, as chance has them too: moves that avoid the hits would put the control below 0.
    move = int(rng.integers(1, max(len(beats_s), 2)))
    return _Plan(beats_s, hits, np.unique((hits + move) % max(len(beats_s), 1)))


def _moments(tempo: TempoMap, beats: Ints) -> list[Fraction]:
    """The exact moments of beats that are counted from the first one after FIRST_S."""
    quarters = [
        q for q in range(int(tempo.end_q) + 1) if float(tempo.seconds_at(Fraction(q))) >= FIRST_S
    ]
    return [tempo.seconds_at(Fraction(quarters[beat])) for beat in beats.tolist()]


def _check_plans(withheld: Sequence[Composed], told: Sequence[Composed]) -> None:
    """The comparison stands on equal plans."""
    for one, other in zip(withheld, told, strict=True):
        if one.score.tempo_map != other.score.tempo_map:
            raise EmsyncError(
                "A hit that is not locked changed the bars of a cue, so that the evaluation "
                "cannot tell what the network does by itself. This is a fault in emsync."
            )


def _finding(plans: list[_Plan], takes: dict[str, list[Composed]], extent: Extent) -> Finding:
    rows, facts = [], {}
    for way in WAYS:
        accents = [accents_of_notes(SoundingNotes.of(one.score)).strong_s for one in takes[way]]
        trials = [
            Trial(plan.beats_s[plan.hits], strong, extent.plan_s, TOLERANCE_S)
            for plan, strong in zip(plans, accents, strict=True)
        ]
        any_time = pooled_agreement(trials)
        beats = moved_by_beats([p.beats_s for p in plans], [p.hits for p in plans], accents)
        facts[way] = {"moved by any time": any_time, "moved by whole beats": beats}
        bar, met = _judged(way, beats.kappa)
        kappa = any_time.kappa if any_time.kappa is not None else 0.0
        rows.append(
            Row(
                f"hears boundaries coming, no constraint: hits {way}"
                + (f" (guidance {GUIDED.offsets:g})" if WAYS[way] == GUIDED else ""),
                f"κ = {beats.kappa:+.2f} ({beats.low:+.2f} to {beats.high:+.2f}) over chance on "
                f"beats, {kappa:+.2f} over any moment; H = {beats.hit_share:.0%}, "
                f"{any_time.targets} hits of {len(plans)} plans",
                bar,
                met,
            )
        )
    return Finding("boundaries", tuple(rows), facts)


def _judged(way: str, kappa: float) -> tuple[str, bool | None]:
    """The bar of a way, and whether it is met."""
    if way == "told":
        return f"κ ≥ {BAR_TOLD}", kappa >= BAR_TOLD
    if way in (WITHHELD, "told elsewhere"):
        return f"|κ| ≤ {BAR_CONTROL}", abs(kappa) <= BAR_CONTROL
    return "", None
