# SPDX-License-Identifier: GPL-3.0-or-later
"""The brief as Blender keeps it with the scene, and as emsync's values."""

# No postponed annotations here: Blender reads properties from them.

from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING, Any

import bpy  # noqa: TID251 - properties are declared to Blender

from emsync.cue import Brief, Key, Style
from emsync.emotion import Mood
from emsync.errors import InputError
from emsync.family import Family
from emsync.settings import MAX_TAKES, MarkerRule, MarkerUse

if TYPE_CHECKING:
    from emsync.hosting import Wishes

__all__ = ["EmsyncBrief", "EmsyncPreferences", "wishes_of"]

LONGEST_SEED = 2**31 - 1  # Blender's whole numbers have 32 bits
OPEN = "OPEN"

Item = tuple[str, str, str]


def _items(members: Iterable[Enum], first: str) -> list[Item]:
    """A choice whose first entry leaves it open."""
    return [(OPEN, first, ""), *((m.name, str(m.value).capitalize(), "") for m in members)]


class EmsyncBrief(bpy.types.PropertyGroup):
    """What to score, and like what."""

    scope: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Score",
        items=[
            ("WHOLE", "Whole timeline", "From the scene's first frame to its last"),
            ("RANGE", "Preview range", "Between the preview range's ends"),
            ("SELECTION", "Selected strips", "From the first selected strip to the last"),
        ],
    )
    mood: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Mood", description="Overrides the picture's", items=_items(Mood, "As the picture")
    )
    style: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Style", items=_items(Style, "Open")
    )
    families: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Instruments",
        description="None: the composer chooses",
        options={"ENUM_FLAG"},
        items=[(family.name, family.value.capitalize(), "") for family in Family],
    )
    key: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Key", description="Such as D minor; empty: open"
    )
    set_density: bpy.props.BoolProperty(name="Set density")  # type: ignore[valid-type]
    density: bpy.props.FloatProperty(  # type: ignore[valid-type]
        name="Density", min=0.0, max=1.0, default=0.5
    )
    spacing: bpy.props.FloatProperty(  # type: ignore[valid-type]
        name="Seconds between hits", min=0.5, max=60.0, default=4.0
    )
    all_markers: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Land on all markers", description="Not only on unnamed ones and those named 'hit …'"
    )
    takes: bpy.props.IntProperty(  # type: ignore[valid-type]
        name="Takes", min=1, max=MAX_TAKES, default=1
    )
    seed: bpy.props.IntProperty(  # type: ignore[valid-type]
        name="Seed", description="Same seed, same music", min=0, max=LONGEST_SEED
    )
    keep_tempo: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Keep the tempo", description="Of the score that lies there now"
    )
    keep_key: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Keep the key", description="Of the score that lies there now"
    )
    by_bars: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Name the bars",
        description="Name the bars to write anew; else the preview range says which",
    )
    first_bar: bpy.props.IntProperty(name="From", min=1, default=1)  # type: ignore[valid-type]
    last_bar: bpy.props.IntProperty(name="To", min=1, default=4)  # type: ignore[valid-type]


class EmsyncPreferences(bpy.types.AddonPreferences):
    """Where emsync is, where it is not found by itself."""

    bl_idname = __package__

    command: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="emsync", description="The program; empty: it is looked for", subtype="FILE_PATH"
    )

    def draw(self, context: Any) -> None:
        """One field."""
        self.layout.prop(self, "command")


def wishes_of(brief: Any) -> "Wishes":
    """The panel's settings as emsync's value; raises InputError with a sentence."""
    from emsync.hosting import Wishes  # with the client: not needed until a button is pressed

    try:
        return Wishes(
            brief=Brief(
                style=None if brief.style == OPEN else Style[brief.style],
                families=tuple(f for f in Family if f.name in brief.families),
                key=Key.parse(brief.key) if brief.key.strip() else None,
                density=brief.density if brief.set_density else None,
            ),
            mood=None if brief.mood == OPEN else Mood[brief.mood],
            min_spacing_s=round(brief.spacing, 3),
            markers=MarkerRule(MarkerUse.ALL if brief.all_markers else MarkerUse.MEANT),
            takes=brief.takes,
            seed=brief.seed,
            keep_tempo=brief.keep_tempo,
            keep_key=brief.keep_key,
        )
    except ValueError as err:
        raise InputError(f"The brief cannot be used: {err}.") from err
