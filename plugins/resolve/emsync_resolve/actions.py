"""What the menu's entries do; plain functions, tested without Resolve."""

from __future__ import annotations

import os
import re
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from emsync_resolve.process import HostError, Tell, run_job

__all__ = [
    "Tier",
    "choose",
    "diagnose",
    "fetch",
    "regenerate",
    "remove",
    "renew",
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
    part: str = "timeline",
    ducked: bool = False,
    folder: Optional[str] = None,
) -> List[str]:
    """Score the open timeline, or a part of it, and lay the stems.

    part: 'timeline', 'range' (between in and out points) or 'clip' (under the playhead).
    """
    timeline = host.read()
    order: Json = {
        "timeline": timeline,
        "folder": folder or score_folder(*host.names()),
        "wishes": wishes,
    }
    if part == "range":
        if "range" not in timeline:
            raise HostError("There are no in and out points. Set them, or score the timeline.")
        order["span"] = timeline["range"]
    elif part == "clip":
        order["span"] = host.clip_span()
    elif part != "timeline":
        raise HostError(f"'{part}' is no part of a timeline: say timeline, range or clip.")
    if (wishes.get("keep_key") or wishes.get("keep_tempo")) and host.notes():
        order["former"] = host.score_here()[1]
    return _laid(host, {"score": order}, tell, is_cancelled, ducked)


def choose(host: Any, cue: str, take: int, tell: Tell, is_cancelled: Cancelled) -> List[str]:
    """Lay another take of a score that lies there, ducked if that is."""
    request = {"choose": {"note": _note(host, cue), "number": take}}
    return _laid(host, request, tell, is_cancelled, host.is_ducked(cue))


def regenerate(
    host: Any,
    cue: str,
    seed: int,
    tell: Tell,
    is_cancelled: Cancelled,
    *,
    bars: Optional[Json] = None,
) -> List[str]:
    """Write bars anew: those between in and out points, else those that are named."""
    note, span = _note(host, cue), host.read().get("range")
    if not span and not bars:
        raise HostError(
            "There are no in and out points. Set them around what to write anew, or name the bars "
            "in the brief."
        )
    where: Json = {"span": span} if span else {"bars": bars}
    request = {"regenerate": {"note": note, "seed": seed, **where}}
    return _laid(host, request, tell, is_cancelled, host.is_ducked(cue))


def renew(host: Any, tell: Tell, is_cancelled: Cancelled) -> List[str]:
    """After a re-edit: make all scores again whose picture changed; the others stay as they are."""
    notes = list(host.notes().values())
    if not notes:
        raise HostError("There is no score of emsync on this timeline. Score it first.")
    order = {
        "timeline": host.read(),
        "folder": score_folder(*host.names()),
        "notes": notes,
    }
    renewal = run_job({"renew": order}, tell, is_cancelled)
    lines = list(renewal["lines"])
    for placement in renewal.get("placements", ()):
        lines += _lay(host, placement, host.is_ducked(placement["cue"]))
    return lines


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
    host: Any,
    run_command: Callable[[List[str]], None],
    folder: Optional[str] = None,
    *,
    options: Sequence[str] = (),
    again: bool = False,
) -> List[str]:
    """The free edition's way: export, `emsync score`, import as a new timeline.

    options: of `emsync score`; again: from the last score, for the edit as it is now.
    """
    project, name = host.names()
    target = folder or score_folder(project, name)
    os.makedirs(target, exist_ok=True)
    last, scored = _file_runs(target, _file_name(name))
    if again and last is None:
        raise HostError("There is no score of this timeline yet. Score it first.")
    exported = os.path.join(target, f"{_file_name(name)}.otio")
    host.export(exported)
    earlier = ["--again", last] if again and last else []
    run_command(["score", exported, "-o", scored, *options, *earlier])
    # Resolve finds files by whole, plain paths; what `score` writes names them from its folder.
    placed = os.path.splitext(scored)[0] + " scored.otio"
    run_command(["place", exported, scored, "-o", placed, "--paths", "bare"])
    laid = host.import_timeline(placed, f"{name} scored")
    return [f"The scored timeline is '{laid}'; your own is as it was."]


def _file_runs(target: str, name: str) -> Tuple[Optional[str], str]:
    """The folder of the last score by file, and a new one: what a timeline plays stays."""
    last, number = None, 1
    while True:
        folder = os.path.join(target, f"{name}-{number}.emsync")
        if not os.path.exists(folder):
            return last, folder
        last, number = folder, number + 1


def score_folder(project: str, timeline: str) -> str:
    """Where a timeline's scores go: Resolve's projects have no folder of their own."""
    home = os.path.expanduser("~")
    return os.path.join(home, "emsync", _file_name(project), _file_name(timeline))


def _laid(host: Any, request: Json, tell: Tell, is_cancelled: Cancelled, ducked: bool) -> List[str]:
    """Do the job and lay its result."""
    return _lay(host, run_job(request, tell, is_cancelled), ducked)


def _lay(host: Any, placement: Json, ducked: bool) -> List[str]:
    """Lay a score, read it back and compare."""
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
