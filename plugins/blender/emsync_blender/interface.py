# SPDX-License-Identifier: GPL-3.0-or-later
"""Registers what Blender shows, and leaves in order."""

from __future__ import annotations

from typing import Any

import bpy  # noqa: TID251 - registration is Blender's

from .operators import OPERATORS, state
from .panel import EMSYNC_PT_score
from .settings import EmsyncBrief, EmsyncPreferences

__all__ = ["register", "unregister"]

CLASSES = (EmsyncBrief, EmsyncPreferences, *OPERATORS, EMSYNC_PT_score)


def register() -> None:
    """Add classes, the scene's settings and the handler."""
    for each in CLASSES:
        bpy.utils.register_class(each)
    bpy.types.Scene.emsync_brief = bpy.props.PointerProperty(type=EmsyncBrief)
    bpy.app.handlers.load_pre.append(_leave)


def unregister() -> None:
    """Take all of it out; a job that runs is cancelled."""
    state.leave()
    if _leave in bpy.app.handlers.load_pre:
        bpy.app.handlers.load_pre.remove(_leave)
    del bpy.types.Scene.emsync_brief
    for each in reversed(CLASSES):
        bpy.utils.unregister_class(each)


@bpy.app.handlers.persistent
def _leave(*_: Any) -> None:
    """Another project is opened: its timeline is not the one that is being scored."""
    state.leave()
