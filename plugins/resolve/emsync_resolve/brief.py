"""The brief: from the window, from a terminal, or from a file where there is neither."""

from __future__ import annotations

import json
import os
from typing import Any, Callable, Dict, List, Optional, Tuple

from emsync_resolve.process import HostError

__all__ = [
    "BRIEF_FILE",
    "CHOICES",
    "DEFAULTS",
    "asked",
    "bars_of",
    "brief_file",
    "from_file",
    "options_of",
    "wishes_of",
]

Json = Dict[str, Any]

BRIEF_FILE = "brief.json"
MOODS = ("joy", "tenderness", "calm", "sadness", "fear", "anger", "surprise")
STYLES = ("orchestral", "chamber", "piano", "song", "game", "band", "folk")
CHOICES: List[Tuple[str, str, Tuple[str, ...]]] = [
    ("part", "What to score", ("timeline", "range", "clip")),
    ("mood", "Mood", ("", *MOODS)),
    ("style", "Style", ("", *STYLES)),
    ("instruments", "Instruments, by commas; empty: open", ()),
    ("key", "Key, such as D minor; empty: open", ()),
    ("density", "Density, 0 to 1; empty: open", ()),
    ("spacing", "Seconds between hits", ()),
    ("takes", "Takes", ()),
    ("seed", "Seed", ()),
    ("keep_key", "Keep the key of the score that lies there", ("no", "yes")),
    ("keep_tempo", "Keep its tempo", ("no", "yes")),
    ("stems", "Stems", ("plain", "ducked")),
]
"""Name, question and what may be chosen; nothing: anything."""
DEFAULTS = {
    "part": "timeline",
    "spacing": "4",
    "takes": "1",
    "seed": "0",
    "keep_key": "no",
    "keep_tempo": "no",
    "stems": "plain",
}
YES = ("yes", "true", "1")


def brief_file() -> str:
    """Where the brief lies for scripts that can ask nobody."""
    return os.path.join(os.path.expanduser("~"), "emsync", BRIEF_FILE)


def asked(ask: Callable[[str], str]) -> Json:
    """The brief from a terminal, question by question; an empty answer takes what is shown."""
    brief: Json = {}
    for name, question, choices in CHOICES:
        shown = "/".join(choice or "open" for choice in choices)
        default = DEFAULTS.get(name, "")
        text = ask(f"{question}{f' ({shown})' if shown else ''} [{default}]: ").strip()
        brief[name] = text or default
    return brief


def from_file(path: str) -> Json:
    """The brief that the user wrote down, or the defaults; raises HostError."""
    if not os.path.isfile(path):
        return dict(DEFAULTS)
    try:
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
    except (OSError, ValueError) as err:
        raise HostError(
            f"The brief '{path}' cannot be read ({err}). Correct or remove it."
        ) from err
    if not isinstance(data, dict):
        raise HostError(f"The brief '{path}' is no JSON object. Correct or remove it.")
    return {**DEFAULTS, **data}


def wishes_of(brief: Json) -> Json:
    """The answers as the JSON of `emsync.hosting.Wishes`; raises HostError with a sentence."""
    inside: Json = {}
    if brief.get("style"):
        inside["style"] = brief["style"]
    if brief.get("key"):
        inside["key"] = brief["key"]
    families = [word.strip() for word in str(brief.get("instruments") or "").split(",")]
    if any(families):
        inside["families"] = [word for word in families if word]
    if str(brief.get("density") or "").strip():
        inside["density"] = _number(brief, "density")
    wishes: Json = {
        "brief": inside,
        "min_spacing_s": _number(brief, "spacing"),
        "takes": int(_number(brief, "takes")),
        "seed": int(_number(brief, "seed")),
        "keep_key": _is_yes(brief, "keep_key"),
        "keep_tempo": _is_yes(brief, "keep_tempo"),
    }
    if brief.get("mood"):
        wishes["mood"] = brief["mood"]
    return wishes


def bars_of(brief: Json) -> Optional[Json]:
    """Bars to write anew, such as "5:8", as JSON; None where the brief names none."""
    text = str(brief.get("bars") or "").strip()
    if not text:
        return None
    try:
        first, last = (int(each) for each in text.split(":"))
    except ValueError as err:
        raise HostError(f"'{text}' names no bars. Write the first and the last: 5:8.") from err
    return {"first": first, "end": last + 1}


def options_of(brief: Json) -> List[str]:
    """The brief as options of `emsync score`, for the way by files; raises HostError where the
    brief asks for what only the open timeline can have."""
    odd = [n for n in ("part", "mood", "stems") if brief.get(n, "") not in ("", DEFAULTS.get(n))]
    odd += [name for name in ("keep_key", "keep_tempo") if _is_yes(brief, name)]
    if odd:
        raise HostError(
            f"The free edition's way by files does not know these of the brief: {', '.join(odd)}. "
            "Leave them out, and score the whole timeline."
        )
    wishes = wishes_of(brief)
    inside = wishes["brief"]
    options = ["--seed", str(wishes["seed"]), "--spacing", str(wishes["min_spacing_s"])]
    options += ["--takes", str(wishes["takes"])]
    for name in ("style", "key", "density"):
        if name in inside:
            options += [f"--{name}", str(inside[name])]
    for family in inside.get("families", ()):
        options += ["--family", family]
    return options


def _is_yes(brief: Json, name: str) -> bool:
    return str(brief.get(name, "no")).lower() in YES


def _number(brief: Json, name: str) -> float:
    try:
        return float(brief.get(name) or DEFAULTS.get(name, "0"))
    except ValueError as err:
        raise HostError(f"'{brief[name]}' is no number for '{name}'. Give one.") from err
