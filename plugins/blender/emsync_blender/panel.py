# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar panel of the sequencer: draws and forwards."""

from __future__ import annotations

import json
import textwrap
from typing import Any

import bpy  # noqa: TID251 - panels are classes of Blender

from .api import OWN_KEY, end_of, scene_of, start_of, strips_in
from .operators import state

__all__ = ["EMSYNC_PT_score"]

LETTERS_PER_LINE = 34


class EMSYNC_PT_score(bpy.types.Panel):  # noqa: N801 - Blender's form
    """What to score, how far it is, what lies there."""

    bl_label = "emsync"
    bl_space_type = "SEQUENCE_EDITOR"
    bl_region_type = "UI"
    bl_category = "emsync"

    def draw(self, context: Any) -> None:
        """Top to bottom: brief, button or progress, scores, diagnosis."""
        layout = self.layout
        scene = scene_of(context)
        if scene is None:
            layout.label(text="There is no scene in this sequencer.")
            return
        self._brief(layout.column(), scene)
        if state.is_busy:
            self._progress(layout.column())
        else:
            layout.operator("emsync.score", icon="PLAY_SOUND")
            if state.telling is not None:
                _lines(layout, state.telling.line, "ERROR" if state.telling.is_failure else "INFO")
                for line in state.telling.warnings:
                    _lines(layout, line, "ERROR")
        notes = _notes(scene)
        if notes and not state.is_busy:
            layout.operator(
                "emsync.renew", text="Score again, after a re-edit", icon="FILE_REFRESH"
            )
        for cue, kept in notes.items():
            self._score(layout.box(), cue, kept, scene.emsync_brief)
        row = layout.row()
        row.operator("emsync.fetch")
        row.operator("emsync.diagnose")
        for line in state.diagnosis:
            _lines(layout, line, "DOT")

    def _brief(self, column: Any, scene: Any) -> None:
        brief = scene.emsync_brief
        column.enabled = not state.is_busy
        column.prop(brief, "scope")
        column.label(text=_scored(scene, brief.scope), icon="BLANK1")
        column.prop(brief, "mood")
        column.prop(brief, "style")
        flow = column.grid_flow(columns=3, even_columns=True)
        flow.prop(brief, "families")
        column.prop(brief, "key")
        row = column.row()
        row.prop(brief, "set_density", text="")
        inside = row.row()
        inside.enabled = brief.set_density
        inside.prop(brief, "density", slider=True)
        for name in ("spacing", "all_markers", "takes", "seed"):
            column.prop(brief, name)
        row = column.row()
        row.prop(brief, "keep_key")
        row.prop(brief, "keep_tempo")

    def _progress(self, column: Any) -> None:
        fraction = state.telling.fraction if state.telling else 0.0
        line = state.telling.line if state.telling else ""
        if hasattr(column, "progress"):  # from 4.0
            column.progress(factor=fraction, text=f"{fraction:.0%}")
        else:
            column.label(text=f"{fraction:.0%}")
        _lines(column, line, "SORTTIME")
        column.operator("emsync.cancel", text="Cancel (Esc)", icon="CANCEL")

    def _score(self, box: Any, cue: str, kept: Any, brief: Any) -> None:
        note = kept.get("note", {})
        chosen = note.get("take", 1)
        box.enabled = not state.is_busy
        box.label(text=f"{cue}: take {chosen}, seed {note.get('seed', 0)}", icon="SOUND")
        self._takes(box, cue, note, chosen)
        box.prop(brief, "by_bars")
        if brief.by_bars:
            row = box.row(align=True)
            row.prop(brief, "first_bar")
            row.prop(brief, "last_bar")
        text = "Regenerate bars" if brief.by_bars else "Regenerate preview range"
        again = box.operator("emsync.regenerate", text=text)
        again.cue, again.seed = cue, int(note.get("seed", 0)) % (2**31 - 2) + 1
        again.first_bar = brief.first_bar if brief.by_bars else 0
        again.last_bar = max(brief.last_bar, brief.first_bar)
        box.operator("emsync.remove", icon="TRASH").cue = cue

    def _takes(self, box: Any, cue: str, note: Any, chosen: int) -> None:
        """A button a take, with what it is like; the one that lies there is pressed."""
        offers = note.get("offers", [])
        if note.get("takes", 1) == 1:
            if offers:
                box.label(text=offers[0], icon="BLANK1")
            return
        column = box.column(align=True)
        for number in range(1, note["takes"] + 1):
            like = f": {offers[number - 1]}" if number <= len(offers) else ""
            laid = number == chosen
            button = column.operator(
                "emsync.choose_take", text=f"Take {number}{like}", depress=laid
            )
            button.cue, button.take = cue, number


def _scored(scene: Any, scope: str) -> str:
    """What will be scored, in frames as Blender counts and in seconds."""
    edges = _edges(scene, scope)
    if edges is None:
        return "no preview range" if scope == "RANGE" else "no strip is selected"
    first, last = edges
    seconds = (last - first + 1) * scene.render.fps_base / scene.render.fps
    return f"frames {first} to {last}, {seconds:.1f} s"


def _edges(scene: Any, scope: str) -> tuple[int, int] | None:
    """First frame and last; None where nothing is chosen."""
    if scope == "WHOLE":
        return scene.frame_start, scene.frame_end
    if scope == "RANGE":
        if not scene.use_preview_range:
            return None
        return scene.frame_preview_start, scene.frame_preview_end
    editor = scene.sequence_editor
    strips = strips_in(editor) if editor is not None else ()
    chosen = [each for each in strips if each.select and each.get(OWN_KEY) is None]
    if not chosen:
        return None
    return min(map(start_of, chosen)), max(map(end_of, chosen)) - 1


def _notes(scene: Any) -> dict[str, Any]:
    """What is noted of scores; drawing never fails over it."""
    try:
        notes = json.loads(scene.get(OWN_KEY, "{}"))
    except (TypeError, ValueError):
        return {}
    return notes if isinstance(notes, dict) else {}


def _lines(layout: Any, text: str, icon: str) -> None:
    """A sentence over several labels: Blender does not wrap."""
    for number, line in enumerate(textwrap.wrap(text, LETTERS_PER_LINE)):
        layout.label(text=line, icon=icon if number == 0 else "BLANK1")
