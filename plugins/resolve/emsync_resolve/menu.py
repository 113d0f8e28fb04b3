"""What Resolve's menu runs: one entry, one action, its lines in the Console."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from typing import Any, Callable, Dict, List, Optional

from emsync_resolve import actions
from emsync_resolve.brief import asked, bars_of, brief_file, from_file, options_of, wishes_of
from emsync_resolve.host import ResolveHost
from emsync_resolve.process import HostError, emsync_command
from emsync_resolve.window import ask_in_window

__all__ = ["ENTRIES", "main"]

ENTRIES = {
    "score": "Score",
    "next": "Next take",
    "regenerate": "Regenerate range",
    "renew": "Score again",
    "fetch": "Fetch last score",
    "remove": "Remove score",
    "cancel": "Cancel",
    "diagnose": "Diagnose",
}
"""Actions and their names in the menu."""

Say = Callable[[str], None]
TELLING_SHARE = 0.05  # before that, what remains is a guess
POLL_S = 0.2
LEAVING_S = 15.0


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
            if resolve is not None:
                host = ResolveHost(resolve)
                say(f"{host.product}: {actions.tier_of(host.product, host.version).sentence}")
            return 0
        if resolve is None:
            raise HostError("This script runs from DaVinci Resolve's menu Workspace > Scripts.")
        for line in _done(action, ResolveHost(resolve), _Ways(fusion, bmd, say)):
            say(line)
    except HostError as err:
        say(f"emsync: {err}")
        return 1
    except (AttributeError, TypeError) as err:  # what comes of using False as a handle
        say(
            f"emsync: DaVinci Resolve stopped answering in the middle ({err}). Close its open "
            "dialogues, look at the timeline, and run emsync again."
        )
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
        return _by_file(action, host, ways, tier)
    if action == "score":
        brief = ways.brief(tier)
        if brief is None:
            return ["Nothing was scored."]
        return actions.score(
            host,
            wishes_of(brief),
            tell,
            _is_cancelled,
            part=str(brief["part"]),
            ducked=brief["stems"] == "ducked",
        )
    if action == "fetch":
        return actions.fetch(host, tell, _is_cancelled)
    if action == "renew":
        return actions.renew(host, tell, _is_cancelled)
    cue, note = host.score_here()
    if action == "remove":
        return [actions.remove(host, cue)]
    if action == "next":
        take = int(note["take"]) % int(note["takes"]) + 1
        lines = actions.choose(host, cue, take, tell, _is_cancelled)
        return [f"Take {take} of {note['takes']} of '{cue}'{_offer(note, take)}.", *lines]
    seed = (int(note["seed"]) + 1) % 2**31
    bars = bars_of(from_file(brief_file()))
    return actions.regenerate(host, cue, seed, tell, _is_cancelled, bars=bars)


def _by_file(action: str, host: ResolveHost, ways: _Ways, tier: actions.Tier) -> List[str]:
    if action not in ("score", "renew"):
        raise HostError("The free edition scores by file alone: use 'Score' or 'Score again'.")
    if action == "renew":
        return actions.score_by_file(host, _run_command, again=True)
    brief = ways.brief(tier)
    if brief is None:
        return ["Nothing was scored."]
    return actions.score_by_file(host, _run_command, options=options_of(brief))


def _offer(note: Dict[str, Any], take: int) -> str:
    """What a take is like."""
    offers = note.get("offers", ())
    return f": {offers[take - 1]}" if take <= len(offers) else ""


def _teller(say: Say) -> Callable[[float, str], None]:
    """A line for each new note or tenth of the work, with how long the rest may take."""
    last: List[Any] = [None]
    began_s = time.monotonic()

    def tell(fraction: float, note: str) -> None:
        state = (int(fraction * 10), note)
        if state != last[0]:
            last[0] = state
            say(f"{fraction:4.0%}  {note}{_remaining(fraction, time.monotonic() - began_s)}")

    return tell


def _remaining(fraction: float, elapsed_s: float) -> str:
    """At the pace so far; nothing while nobody can tell."""
    if not TELLING_SHARE <= fraction < 1.0:
        return ""
    minutes, seconds = divmod(round(elapsed_s * (1 / fraction - 1)), 60)
    return f" - {minutes}:{seconds:02} left"


def _run_command(arguments: List[str]) -> None:
    """A command of emsync's, followed until it ends; 'Cancel' ends it."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [*emsync_command(), *arguments], stdout=output, stderr=subprocess.STDOUT
        )
        while process.poll() is None:
            if _is_cancelled():
                _stop(process)
                raise HostError("The work was cancelled; nothing was left behind.")
            time.sleep(POLL_S)
        output.seek(0)
        lines = output.read().decode("utf-8", "replace").strip().splitlines() or ["no word"]
    if process.returncode != 0:
        raise HostError(lines[-1])


def _stop(process: Any) -> None:
    """As Ctrl-C does, which cleans up; by force where that does not help, or is not known."""
    if os.name == "posix":
        process.send_signal(signal.SIGINT)
    else:
        process.terminate()
    try:
        process.wait(LEAVING_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


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
