"""What the menu's entries do; plain functions, tested without Resolve."""

from __future__ import annotations

import os
import re
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from emsync_resolve.process import HostError, Tell, run_job

__all__ = [
    "Tier",
    "choose",
    "diagnose",
    "fetch",
    "regenerate",
    "remove",
    "score",
    "score_by_file",
    "tier_of",
]

Json = Dict[str, Any]
Cancelled = Callable[[], bool]

NO_WINDOWS_SINCE = (19, 1)  # in the free edition
NO_PYTHON_MENU_SINCE = (21, 1)  # in the free edition
UNFIT = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')


class Tier(NamedTuple):
    """What this edition of Resolve lets us do."""

    in_place: bool
    """Stems are laid on the open timeline; else the way goes by files."""
    has_window: bool
    sentence: str
    """For the user."""


def tier_of(product: str, version: Tuple[int, ...]) -> Tier:
    """By edition and version, before anything is tried: a call that the free edition lacks opens a
    dialogue, after which every call returns False."""
    if "studio" in product.lower():
        return Tier(True, True, "Stems are laid on new tracks of the open timeline.")
    if version[:2] >= NO_PYTHON_MENU_SINCE:
        return Tier(
            False,
            False,
            "The free DaVinci Resolve 21.1 and later runs no Python scripts: paste the Lua script "
            "into the Console, or export the timeline and run 'emsync score' on the file.",
        )
    return Tier(
        False,
        version[:2] < NO_WINDOWS_SINCE,
        "This is the free DaVinci Resolve: the timeline is exported, scored as a file and "
        "imported as a new timeline.",
    )


def score(
    host: Any,
    wishes: Json,
    tell: Tell,
    is_cancelled: Cancelled,
    *,
    only_range: bool = False,
    ducked: bool = False,
    folder: Optional[str] = None,
) -> List[str]:
    """Score the open timeline, or what lies between its in and out points, and lay the stems."""
    timeline = host.read()
    order: Json = {
        "timeline": timeline,
        "folder": folder or score_folder(*host.names()),
        "wishes": wishes,
    }
    if only_range:
        if "range" not in timeline:
            raise HostError("There are no in and out points. Set them, or score the timeline.")
        order["span"] = timeline["range"]
    notes = host.notes()
    if wishes.get("keep_tempo") and notes:
        order["former"] = next(iter(notes.values()))
    return _laid(host, {"score": order}, tell, is_cancelled, ducked)


def choose(
    host: Any, cue: str, take: int, tell: Tell, is_cancelled: Cancelled, *, ducked: bool = False
) -> List[str]:
    """Lay another take of a score that lies there."""
    request = {"choose": {"note": _note(host, cue), "number": take}}
    return _laid(host, request, tell, is_cancelled, ducked)


def regenerate(
    host: Any, cue: str, seed: int, tell: Tell, is_cancelled: Cancelled, *, ducked: bool = False
) -> List[str]:
    """Write the bars between in and out points anew."""
    note, span = _note(host, cue), host.read().get("range")
    if not span:
        raise HostError("There are no in and out points. Set them around what to write anew.")
    request = {"regenerate": {"note": note, "span": span, "seed": seed}}
    return _laid(host, request, tell, is_cancelled, ducked)


def fetch(host: Any, tell: Tell, is_cancelled: Cancelled) -> List[str]:
    """Lay the last score that was composed but never laid: Resolve was closed before."""
    request = {"resume": {"folder": score_folder(*host.names())}}
    return _laid(host, request, tell, is_cancelled, False)


def remove(host: Any, cue: str) -> str:
    """Take a score out."""
    count = host.remove(cue)
    return f"{count} stems of '{cue}' were removed; their files stay in their folder."


def diagnose(tell: Tell) -> List[str]:
    """What is wrong between Resolve and emsync, in lines."""
    lines: List[str] = run_job({"diagnose": {}}, tell, lambda: False)["lines"]
    return lines


def score_by_file(
    host: Any, run_command: Callable[[List[str]], None], folder: Optional[str] = None
) -> List[str]:
    """The free edition's way: export, `emsync score`, import as a new timeline."""
    project, name = host.names()
    target = folder or score_folder(project, name)
    os.makedirs(target, exist_ok=True)
    exported = os.path.join(target, f"{_file_name(name)}.otio")
    host.export(exported)
    scored = os.path.join(target, f"{_file_name(name)}.emsync")
    run_command(["score", exported, "-o", scored])
    laid = host.import_timeline(os.path.join(scored, "timeline.otio"), f"{name} scored")
    return [f"The scored timeline is '{laid}'; your own is as it was."]


def score_folder(project: str, timeline: str) -> str:
    """Where a timeline's scores go: Resolve's projects have no folder of their own."""
    home = os.path.expanduser("~")
    return os.path.join(home, "emsync", _file_name(project), _file_name(timeline))


def _laid(host: Any, request: Json, tell: Tell, is_cancelled: Cancelled, ducked: bool) -> List[str]:
    """Do the job, lay its result, read it back and compare."""
    placement = run_job(request, tell, is_cancelled)
    lines = list(host.place(placement, ducked))
    compared = {"compare": {"placement": placement, "found": host.found(placement["cue"])}}
    odd = run_job(compared, lambda fraction, note: None, lambda: False)["lines"]
    marks = placement.get("marks", ())
    locked = [mark for mark in marks if mark.get("error_frames") is not None]
    exact = sum(mark["color"] == "GREEN" for mark in locked)
    done = f"{len(placement['stems'])} stems laid; {exact} of {len(locked)} locked hits are exact."
    return [done, *odd, *lines, *placement.get("warnings", ())]


def _note(host: Any, cue: str) -> Json:
    notes: Dict[str, Json] = host.notes()
    if cue not in notes:
        raise HostError(f"There is no score '{cue}' on this timeline. Score it first.")
    return notes[cue]


def _file_name(name: str) -> str:
    return UNFIT.sub(" ", name).strip(" .")[:60].strip(" .") or "untitled"
