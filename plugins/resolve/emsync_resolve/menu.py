"""What Resolve's menu runs: one entry, one action, its lines in the Console."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any, Callable, Dict, List, Optional

from emsync_resolve import actions
from emsync_resolve.brief import asked, brief_file, from_file, wishes_of
from emsync_resolve.host import ResolveHost
from emsync_resolve.process import HostError, emsync_command
from emsync_resolve.window import ask_in_window

__all__ = ["ENTRIES", "main"]

ENTRIES = {
    "score": "Score",
    "regenerate": "Regenerate range",
    "next": "Next take",
    "fetch": "Fetch last score",
    "remove": "Remove score",
    "cancel": "Cancel",
    "diagnose": "Diagnose",
}
"""Actions and their names in the menu."""

Say = Callable[[str], None]


def main(action: str, resolve: Any, fusion: Any = None, bmd: Any = None, say: Say = print) -> int:
    """Run a menu entry; 0 where it was done, 1 where a sentence says why not."""
    try:
        if action == "cancel":
            _ask_to_cancel()
            say("emsync was asked to stop; nothing will be left behind.")
            return 0
        if action == "diagnose":
            for line in actions.diagnose(_teller(say)):
                say(line)
            return 0
        if resolve is None:
            raise HostError("This script runs from DaVinci Resolve's menu Workspace > Scripts.")
        for line in _done(action, ResolveHost(resolve), _Ways(fusion, bmd, say)):
            say(line)
    except HostError as err:
        say(f"emsync: {err}")
        return 1
    return 0


class _Ways:
    """How to ask and to tell."""

    def __init__(self, fusion: Any, bmd: Any, say: Say) -> None:
        self._fusion, self._bmd, self.say = fusion, bmd, say

    def brief(self, tier: actions.Tier) -> Optional[Dict[str, Any]]:
        """From a window, a terminal or a file, whichever there is."""
        if tier.has_window and self._fusion and self._bmd:
            return ask_in_window(self._fusion, self._bmd, tier.sentence)
        if sys.stdin is not None and sys.stdin.isatty():
            return asked(input)
        return from_file(brief_file())


def _done(action: str, host: ResolveHost, ways: _Ways) -> List[str]:
    tier = actions.tier_of(host.product, host.version)
    tell = _teller(ways.say)
    _forget_cancel()
    if not tier.in_place:
        ways.say(tier.sentence)
        if action != "score":
            raise HostError("The free edition scores by file alone: use 'Score'.")
        return actions.score_by_file(host, _run_command)
    if action == "score":
        brief = ways.brief(tier)
        if brief is None:
            return ["Nothing was scored."]
        return actions.score(
            host,
            wishes_of(brief),
            tell,
            _is_cancelled,
            only_range=brief["part"] == "range",
            ducked=brief["stems"] == "ducked",
        )
    if action == "fetch":
        return actions.fetch(host, tell, _is_cancelled)
    cue, note = _first_score(host)
    if action == "remove":
        return [actions.remove(host, cue)]
    if action == "next":
        take = int(note["take"]) % int(note["takes"]) + 1
        return actions.choose(host, cue, take, tell, _is_cancelled)
    seed = (int(note["seed"]) + 1) % 2**31
    return actions.regenerate(host, cue, seed, tell, _is_cancelled)


def _first_score(host: ResolveHost) -> Any:
    notes = host.notes()
    if not notes:
        raise HostError("There is no score of emsync on this timeline. Score it first.")
    return next(iter(notes.items()))


def _teller(say: Say) -> Callable[[float, str], None]:
    """A line for each new note or tenth of the work."""
    last: List[Any] = [None]

    def tell(fraction: float, note: str) -> None:
        state = (int(fraction * 10), note)
        if state != last[0]:
            last[0] = state
            say(f"{fraction:4.0%}  {note}")

    return tell


def _run_command(arguments: List[str]) -> None:
    done = subprocess.run(
        [*emsync_command(), *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode != 0:
        lines = done.stdout.decode("utf-8", "replace").strip().splitlines() or ["no word"]
        raise HostError(lines[-1])


def _cancel_file() -> str:
    return os.path.join(os.path.expanduser("~"), "emsync", "cancel")


def _ask_to_cancel() -> None:
    """Each menu entry is a process of its own: a file is what they share."""
    os.makedirs(os.path.dirname(_cancel_file()), exist_ok=True)
    with open(_cancel_file(), "w", encoding="utf-8"):
        pass


def _is_cancelled() -> bool:
    return os.path.exists(_cancel_file())


def _forget_cancel() -> None:
    if _is_cancelled():
        os.remove(_cancel_file())
