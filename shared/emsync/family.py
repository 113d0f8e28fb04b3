"""Instrument families: what a brief asks for, and what becomes a stem."""

from __future__ import annotations

from enum import Enum

__all__ = ["Family"]


class Family(Enum):
    """Instrument families; each becomes one stem."""

    STRINGS = "strings"
    WOODWINDS = "woodwinds"
    BRASS = "brass"
    CHOIR = "choir"
    KEYS = "keys"
    PLUCKED = "plucked"
    BASS = "bass"
    SYNTH = "synth"
    PERCUSSION = "percussion"
