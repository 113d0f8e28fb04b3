"""The one list of experts."""

from __future__ import annotations

from typing import Any

from emsync_server.spotting.experts.expert import Expert, ExpertRow, Sense, Tier
from emsync_server.spotting.experts.scene import SceneExpert

__all__ = ["EXPERTS", "expert_row", "open_expert"]

EXPERTS: tuple[ExpertRow, ...] = (
    ExpertRow("scene", Tier.BUILT_IN, Sense.PICTURE, SceneExpert, model="scene"),
)
"""In the order in which `emsync models` lists them."""


def expert_row(name: str) -> ExpertRow:
    """The row of an expert; `KeyError` where there is none."""
    return {row.name: row for row in EXPERTS}[name]


def open_expert(name: str) -> Expert[Any]:
    """Load an expert. Raises MissingPartError where its weights or its package are missing."""
    return expert_row(name).open()
