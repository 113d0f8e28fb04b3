# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender calls its strips, by version: names were changed in 4.4, 5.0 and 5.1.

`sequences` became `strips` (4.4 has both, 5.0 the new one alone), `frame_final_*` became
`left_handle`, `right_handle` and `duration` (5.1 warns of the old ones), the scene of the sequencer
is the workspace's own from 5.0. Nothing here imports Blender: names are looked up on what it gives.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "OWN_KEY",
    "duration_of",
    "end_of",
    "inputs_of",
    "scene_of",
    "start_of",
    "strips_in",
]


OWN_KEY = "emsync"
"""The ID property by which emsync knows its own strips again, and a scene's notes of them."""


def strips_in(owner: Any) -> Any:
    """The strips of an editor or a meta strip, not those inside metas."""
    kind = owner.bl_rna.properties
    return owner.strips if "strips" in kind else owner.sequences


def scene_of(context: Any) -> Any:
    """The scene that the sequencer shows."""
    return getattr(context, "sequencer_scene", None) or context.scene


def start_of(strip: Any) -> int:
    """First frame that a strip shows."""
    new = "left_handle" in strip.bl_rna.properties
    return int(strip.left_handle if new else strip.frame_final_start)


def end_of(strip: Any) -> int:
    """First frame after a strip."""
    new = "right_handle" in strip.bl_rna.properties
    return int(strip.right_handle if new else strip.frame_final_end)


def duration_of(strip: Any) -> int:
    """Frames that a strip shows."""
    return end_of(strip) - start_of(strip)


def inputs_of(strip: Any) -> tuple[Any, ...]:
    """The strips that an effect takes."""
    found = (getattr(strip, "input_1", None), getattr(strip, "input_2", None))
    return tuple(each for each in found if each is not None)
