"""The cues of the gallery: each Ekman emotion, a trailer, a documentary, four styles."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from emsync.cue import Brief, CueSheet, Style
from emsync_server.evaluation.composer.trial_cues import Points, flat, trial_sheet

__all__ = ["Exhibit", "exhibits"]

EKMAN_S = 40.0
STYLE_S = 50.0
TRAILER_S = 90.0
DOCUMENTARY_S = 600.0
QUICK_S, QUICK_EXHIBITS = 12.0, 2
FIRST_SEED = 1500

# DESIGN §4's means, each axis stretched so that its least and greatest become −0.8 and 0.8.
EKMAN: dict[str, tuple[float, float]] = {
    "anger": (-0.51, 0.59),
    "disgust": (-0.60, 0.35),
    "fear": (-0.64, 0.60),
    "joy": (0.76, 0.48),
    "sadness": (-0.63, -0.27),
    "surprise": (0.40, 0.67),
}
STYLES = (
    (Style.ORCHESTRAL, ((0.0, 0.1, -0.4), (0.5, 0.5, 0.2), (1.0, 0.8, 0.7))),
    (Style.CHAMBER, ((0.0, -0.4, -0.5), (1.0, -0.1, 0.0))),
    (Style.PIANO, ((0.0, 0.4, -0.6), (0.6, -0.3, -0.3), (1.0, 0.3, -0.5))),
    (Style.GAME, ((0.0, -0.2, 0.2), (0.5, -0.6, 0.7), (1.0, 0.5, 0.5))),
)


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One cue of the gallery."""

    key: str
    """Its files' name."""
    title: str
    asks: str
    """What was asked for, in words."""
    sheet: CueSheet
    seed: int


def exhibits(*, whole: bool) -> list[Exhibit]:
    """All of them; or the first two, short."""
    made = [*_ekman(), _trailer(), _documentary(), *_styles()]
    if whole:
        return made
    return [_shortened(one) for one in made[:QUICK_EXHIBITS]]


def stretched(values: dict[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    """Each axis linearly so that its least and greatest mean become −0.8 and 0.8."""
    table = np.array(list(values.values()))
    low, high = table.min(axis=0), table.max(axis=0)
    spread = -0.8 + 1.6 * (table - low) / (high - low)
    return {name: (float(v), float(a)) for name, (v, a) in zip(values, spread, strict=True)}


def _ekman() -> list[Exhibit]:
    made = []
    for index, (name, (valence, arousal)) in enumerate(stretched(EKMAN).items()):
        hits = [EKMAN_S * share for share in (0.25, 0.55, 0.8)]
        made.append(
            Exhibit(
                name,
                name.capitalize(),
                f"valence {valence:+.2f}, arousal {arousal:+.2f}, three hits; style left open",
                trial_sheet(EKMAN_S, flat(valence, arousal), hits_s=hits, name=name),
                FIRST_SEED + index,
            )
        )
    return made


def _trailer() -> Exhibit:
    """Arousal rises in three waves, hits come closer and closer, then the title."""
    moments = [6.0, 14.0, 21.0, 28.0, 34.0, 39.0, 44.0]
    gaps = np.geomspace(4.0, 1.2, 16)
    hits = [*moments, *(48.0 + np.cumsum(gaps))]
    hits = [float(hit) for hit in hits if hit < TRAILER_S - 8] + [TRAILER_S - 5]
    points = [
        (0.0, -0.2, -0.7),
        (20.0, -0.3, -0.1),
        (30.0, -0.5, -0.3),
        (46.0, -0.5, 0.4),
        (78.0, -0.3, 0.95),
        (84.0, -0.2, 0.9),
        (TRAILER_S, 0.2, 0.3),
    ]
    return Exhibit(
        "trailer",
        "Trailer",
        f"rising arousal, {len(hits)} hits that come closer and closer, game/hybrid style",
        trial_sheet(TRAILER_S, points, hits_s=hits, brief=Brief(style=Style.GAME), name="trailer"),
        FIRST_SEED + 10,
    )


def _documentary() -> Exhibit:
    rng = np.random.default_rng(FIRST_SEED)
    moments = np.linspace(0, DOCUMENTARY_S, 25)
    valence = 0.3 + np.cumsum(rng.normal(0, 0.18, 25))
    arousal = -0.3 + np.cumsum(rng.normal(0, 0.15, 25))
    points: Points = [
        (float(t), float(np.clip(v, -0.7, 0.8)), float(np.clip(a, -0.8, 0.5)))
        for t, v, a in zip(moments, valence, arousal, strict=True)
    ]
    hits = [float(hit) for hit in np.arange(30, DOCUMENTARY_S - 20, 37.5)]
    return Exhibit(
        "documentary",
        "Documentary, ten minutes",
        f"an emotion that wanders, {len(hits)} hits, orchestral",
        trial_sheet(
            DOCUMENTARY_S,
            points,
            hits_s=hits,
            brief=Brief(style=Style.ORCHESTRAL, density=0.35),
            name="documentary",
        ),
        FIRST_SEED + 11,
    )


def _styles() -> list[Exhibit]:
    made = []
    for index, (style, shares) in enumerate(STYLES):
        points = [(at * STYLE_S, v, a) for at, v, a in shares]
        walk = ", then ".join(f"({v:+.1f}, {a:+.1f})" for _, v, a in shares)
        name = f"style-{style.value}"
        sheet = trial_sheet(
            STYLE_S,
            points,
            hits_s=[STYLE_S * 0.3, STYLE_S * 0.62],
            brief=Brief(style=style),
            name=name,
        )
        title = f"{style.value.capitalize()} style"
        asks = f"valence, arousal {walk}; two hits"
        made.append(Exhibit(name, title, asks, sheet, FIRST_SEED + 20 + index))
    return made


def _shortened(exhibit: Exhibit) -> Exhibit:
    cue = exhibit.sheet.cues[0]
    first = cue.emotion.points[0].emotion
    sheet = trial_sheet(
        QUICK_S, flat(first.valence, first.arousal), hits_s=[QUICK_S / 2], name=cue.name
    )
    return replace(exhibit, sheet=sheet)
