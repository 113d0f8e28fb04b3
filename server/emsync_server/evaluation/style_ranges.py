"""All measures of a piece beside those of real pieces of a style, which training never saw.

`style_ranges.json` is written by `python -m emsync_training ranges`; only numbers are shipped.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from typing import Any

from emsync.score import Score
from emsync_server.evaluation.form import measure_form
from emsync_server.evaluation.music import Range, measure_music
from emsync_server.evaluation.sounding import SoundingNotes
from emsync_server.evaluation.texture import measure_texture

__all__ = [
    "RANGES_FILE",
    "StyleRanges",
    "all_measures",
    "good_endings_of_real_pieces",
    "long_ranges",
    "register_ranges",
    "style_ranges",
]

RANGES_FILE = "style_ranges.json"


@dataclass(frozen=True, slots=True)
class StyleRanges:
    """Real pieces of one style."""

    style: str
    pieces: int
    excerpts: int
    """A minute each."""
    of: str
    """Whose ranges these are: the style's own, or 'all' where it has too few pieces."""
    ranges: dict[str, Range]


def all_measures(score: Score, length_s: float) -> dict[str, float | None]:
    """Every measure of a score by its name."""
    notes = SoundingNotes.of(score)
    groups = (
        measure_music(score, length_s, notes),
        measure_texture(score, length_s, notes),
        measure_form(score, notes),
    )
    return {one.name: getattr(group, one.name) for group in groups for one in fields(group)}


def style_ranges(style: str) -> StyleRanges:
    """5 to 95 % of excerpts of held-out pieces, by name of the measure."""
    kinds = _shipped()["kinds"]
    name = style if style in kinds else "all"
    kind = kinds[name]
    ranges = {key: Range(low, high) for key, (low, high) in kind["ranges"].items()}
    return StyleRanges(style, kind["pieces"], kind["excerpts"], name, ranges)


def register_ranges() -> dict[int, Range]:
    """5 to 95 % of the mean pitches of real parts, by General MIDI programme."""
    rows = _shipped()["registers"]
    return {int(program): Range(low, high) for program, (low, high) in rows.items()}


def long_ranges() -> dict[str, Range]:
    """5 to 95 % of the measures of form over real pieces of five minutes or more."""
    return {name: Range(low, high) for name, (low, high) in _shipped()["long"]["ranges"].items()}


def good_endings_of_real_pieces() -> float:
    """The share of real pieces that the measure of endings calls well ended."""
    return float(_shipped()["endings"]["good_share"])


@cache
def _shipped() -> dict[str, Any]:
    text = resources.files("emsync_server.evaluation").joinpath(RANGES_FILE).read_text("utf-8")
    facts: dict[str, Any] = json.loads(text)
    return facts
