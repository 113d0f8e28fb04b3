# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panel shows of a job."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Telling"]


@dataclass(frozen=True, slots=True)
class Telling:
    """What the panel shows after an event."""

    fraction: float
    line: str
    warnings: tuple[str, ...] = ()
    is_over: bool = False
    is_laid: bool = False
    """Whether the host's timeline was changed."""
    is_failure: bool = False
