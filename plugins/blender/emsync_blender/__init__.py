# SPDX-License-Identifier: GPL-3.0-or-later
"""emsync in Blender's Video Sequence Editor: score the cut, have the stems on the timeline."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

# Blender 4.2 and later read blender_manifest.toml; 3.4 and other legacy add-ons read this.
bl_info = {
    "name": "emsync",
    "author": "The emsync developers",
    "version": (0, 1, 0),
    "blender": (3, 4, 0),
    "location": "Video Sequencer > Sidebar > emsync",
    "description": "Film music that follows the cut",
    "category": "Sequencer",
}


def _reach_emsync() -> None:
    """Blender installs an extension's wheels; a legacy add-on takes its own from its folder."""
    if importlib.util.find_spec("emsync") is None:
        sys.path += sorted(map(str, (Path(__file__).parent / "wheels").glob("emsync*.whl")))


def register() -> None:
    """Add the panel, its operators and their settings."""
    _reach_emsync()
    from . import interface

    interface.register()


def unregister() -> None:
    """Take them out; a job that runs is cancelled."""
    from . import interface

    interface.unregister()
