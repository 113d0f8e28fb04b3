# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender calls its strips, by version: names were changed in 4.4, 5.0 and 5.1.

`sequences` became `strips` (4.4 has both, 5.0 the new one alone); `frame_final_*` became
`left_handle`, `right_handle` and `duration`, `frame_start` and `frame_duration` became
`content_start` and `content_duration`, `animation_offset_start` became `content_trim_start` (5.1
warns of the old ones); the scene of the sequencer is the workspace's own from 5.0. Nothing here
imports Blender: names are looked up on what it gives.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "OWN_KEY",
    "content_duration_of",
    "content_start_of",
    "duration_of",
    "end_of",
    "inputs_of",
    "scene_of",
    "start_of",
    "strips_in",
    "trim_of",
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
    return int(_either(strip, "left_handle", "frame_final_start"))


def end_of(strip: Any) -> int:
    """First frame after a strip."""
    return int(_either(strip, "right_handle", "frame_final_end"))


def content_start_of(strip: Any) -> float:
    """The frame where the strip's file would begin, without handles; below a trim."""
    return float(_either(strip, "content_start", "frame_start"))


def content_duration_of(strip: Any) -> int:
    """Frames of the timeline that the strip's whole file fills."""
    return int(_either(strip, "content_duration", "frame_duration"))


def trim_of(strip: Any) -> int:
    """Frames of the file that were cut off at its front, for good; not every strip has such."""
    known = strip.bl_rna.properties
    if "content_trim_start" in known or "animation_offset_start" in known:
        return int(_either(strip, "content_trim_start", "animation_offset_start"))
    return 0


def duration_of(strip: Any) -> int:
    """Frames that a strip shows."""
    return end_of(strip) - start_of(strip)


def inputs_of(strip: Any) -> tuple[Any, ...]:
    """The strips that an effect takes."""
    found = (getattr(strip, "input_1", None), getattr(strip, "input_2", None))
    return tuple(each for each in found if each is not None)


def _either(strip: Any, new: str, old: str) -> Any:
    """A property by its new name where it has that; asking for the old one would warn."""
    return getattr(strip, new if new in strip.bl_rna.properties else old)
