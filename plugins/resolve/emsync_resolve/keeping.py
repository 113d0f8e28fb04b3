"""What stays in the project of a score: markers at its hits, and one that keeps the note.

One frame of Resolve's holds one marker. How much text a marker keeps nobody has written down: the
note is read back, and where it was cut off, the marker says in which folder it lies instead.
"""

from __future__ import annotations

import json
import os
from typing import Any, Dict, List, Optional

from emsync_resolve.process import HostError
from emsync_resolve.words import OWN_KEY, frames_of

__all__ = ["keep", "kept_of", "note_in", "unmark"]

COLORS = {"GREEN": "Green", "YELLOW": "Yellow", "RED": "Red"}
NOTE_COLOR = "Cream"
NOTE_FILE = "order.json"  # as emsync.hosting names it

Json = Dict[str, Any]


def kept_of(timeline: Any, cue: Optional[str] = None) -> List[Json]:
    """The custom data of our markers, or of those of one cue."""
    kept = []
    for marker in (timeline.GetMarkers() or {}).values():
        data = _own_data(marker)
        if data and cue in (None, data[OWN_KEY]):
            kept.append(data)
    return kept


def note_in(kept: Json) -> Optional[Json]:
    """The note that a marker keeps, or names; None where it has none, or its folder is gone."""
    if "note" in kept:
        note: Json = kept["note"]
        return note
    if "folder" not in kept:
        return None
    try:
        with open(os.path.join(kept["folder"], NOTE_FILE), encoding="utf-8") as file:
            found: Json = json.load(file)
    except (OSError, ValueError):
        return None
    return {**found, "take": kept["take"], "span": kept["span"], "folder": kept["folder"]}


def keep(timeline: Any, placement: Json, ducked: bool) -> List[str]:
    """Mark the hits and keep the note; sentences about what could not be marked."""
    marks = placement.get("marks", ())
    marked = []
    for mark in marks:
        text = json.dumps({OWN_KEY: placement["cue"], "hit": mark["name"]})
        at, color = float(mark["at_frames"]), COLORS[mark["color"]]
        if timeline.AddMarker(at, color, mark["name"], "", 1.0, text):
            marked.append(at)
    note = placement["note"]
    own = {OWN_KEY: placement["cue"], "stems": _paths(placement), "ducked": ducked}
    short = {name: note[name] for name in ("folder", "take", "span")}
    if not (_noted(timeline, {**own, "note": note}) or _noted(timeline, {**own, **short})):
        for at in marked:
            timeline.DeleteMarkerAtFrame(at)
        raise HostError(
            "DaVinci Resolve kept no note of the score. It lies on the timeline, but emsync "
            "cannot replace it later: remove its tracks by hand then."
        )
    hidden = len(marks) - len(marked)
    if not hidden:
        return []
    return [f"Hits that lie under markers of your own are not marked a second time: {hidden}."]


def unmark(timeline: Any, cue: str) -> None:
    """Take the markers of a cue out."""
    for frame, marker in list((timeline.GetMarkers() or {}).items()):
        data = _own_data(marker)
        if data and data[OWN_KEY] == cue:
            timeline.DeleteMarkerAtFrame(frame)


def _noted(timeline: Any, kept: Json) -> bool:
    """Keep something at the first free frame of the cue; whether it can be read again."""
    span = (kept.get("note") or kept)["span"]
    frame = span.get("start_frames", 0)
    taken = {frames_of(each) for each in timeline.GetMarkers() or {}}
    while frame in taken:
        frame += 1
    text = json.dumps(kept)
    name = f"{kept[OWN_KEY]}: score"
    if not timeline.AddMarker(float(frame), NOTE_COLOR, name, "", 1.0, text):
        return False
    for at, marker in (timeline.GetMarkers() or {}).items():
        if frames_of(at) == frame:
            if marker.get("customData") == text:
                return True
            timeline.DeleteMarkerAtFrame(at)
    return False


def _paths(placement: Json) -> List[str]:
    """Both files of each stem: either may have been laid."""
    both = [(clip["media"], clip.get("ducked_media")) for clip in placement["stems"]]
    return [path for pair in both for path in pair if path]


def _own_data(marker: Json) -> Optional[Json]:
    """What we keep in a marker; None where it is the user's."""
    try:
        data = json.loads(marker.get("customData") or "")
    except (TypeError, ValueError):
        return None
    return data if isinstance(data, dict) and OWN_KEY in data else None
