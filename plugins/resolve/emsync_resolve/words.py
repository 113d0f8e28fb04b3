"""Frame rates and timecode as Resolve says them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

__all__ = ["frames_of", "rate_of", "rate_text"]

SHORTHAND_SHARE = Fraction(1, 100)


def rate_of(setting: Any) -> Fraction:
    """Frames per second of a setting: 24, "23.976", "29.97 DF"."""
    text = str(setting).split()[0] if str(setting).split() else "0"
    rate = Fraction(text)
    ntsc = Fraction(round(rate * Fraction(1001, 1000)) * 1000, 1001)
    return ntsc if rate.denominator != 1 and abs(ntsc - rate) < SHORTHAND_SHARE else rate


def rate_text(rate: Fraction) -> str:
    """A rate as emsync's JSON spells it."""
    if rate.denominator == 1:
        return str(rate.numerator)
    return f"{rate.numerator}/{rate.denominator}"


def frames_of(value: Any) -> int:
    """A frame of Resolve's, which may be 120.0; a fraction of a frame kills a whole batch there."""
    return round(float(value))
