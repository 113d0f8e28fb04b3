"""Frame rates, timecode and paths as Resolve says them."""

from __future__ import annotations

import os
import re
import unicodedata
from fractions import Fraction
from typing import Any, Optional

__all__ = [
    "OWN_KEY",
    "frame_of_timecode",
    "frames_of",
    "path_key",
    "path_of",
    "rate_of",
    "rate_text",
]

OWN_KEY = "emsync"
"""The name in a marker's custom data by which emsync knows its own again."""
SHORTHAND_SHARE = Fraction(1, 100)
TIMECODE = re.compile(r"(\d+):(\d\d):(\d\d)([:;])(\d+)")


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


def frame_of_timecode(text: str, rate: Fraction) -> Optional[int]:
    """The count of frames at a timecode; a semicolon drops numbers. None where it is none."""
    match = TIMECODE.fullmatch(text.strip())
    if match is None:
        return None
    hours, minutes, seconds, frames = (int(match[group]) for group in (1, 2, 3, 5))
    nominal = round(rate)
    all_minutes = 60 * hours + minutes
    count = (60 * all_minutes + seconds) * nominal + frames
    if match[4] == ";":  # two numbers of thirty a minute, but not in each tenth minute
        count -= nominal // 15 * (all_minutes - all_minutes // 10)
    return count


def path_of(item: Any) -> str:
    """The file of a media pool item; empty where there is none."""
    return str(item.GetClipProperty("File Path") or "") if item else ""


def path_key(path: str) -> str:
    """What tells whether two paths are one: macOS spells é in two ways, Windows knows no case."""
    return os.path.normcase(unicodedata.normalize("NFC", path))


def frames_of(value: Any) -> int:
    """A frame of Resolve's, which may be 120.0; a fraction of a frame kills a whole batch there."""
    return round(float(value))
