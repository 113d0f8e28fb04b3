"""CMX 3600 edit decision lists as text: what each line says, and which lines belong together."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import groupby

__all__ = ["TIMECODE", "Edit", "Event", "edits_of", "frame_number", "is_marker_list"]

TIMECODE = r"\d{1,2}[:;.]\d{2}[:;.]\d{2}[:;.,]\d{2,3}"
# Reels may hold spaces (DaVinci Resolve writes file names), so what follows them is looked for.
_EVENT = re.compile(
    rf"^\s*(?P<number>\d+[A-Za-z]?)\s+(?:(?P<reel>\S.*?)\s+)?(?P<channels>NONE|B|[AV][AV0-9/]*)\s+"
    rf"(?P<kind>C|D|W\d*|K(?:\s*[BO])?)(?:\s+\(F\))?(?:\s+(?P<length>\d+))?\s+"
    rf"(?P<codes>(?:{TIMECODE}\s+){{3}}{TIMECODE})(?:\s.*)?$"
)
_SPEED = re.compile(
    rf"^\s*M2\s+(?:(?P<reel>.*?)\s+)?(?P<rate>-?\d+(?:\.\d+)?)(?:\s+{TIMECODE})?\s*$"
)
_COUNTING = re.compile(r"^\s*FCM:\s*(NON[- ]?)?DROP", re.IGNORECASE)


@dataclass
class Event:
    """One line of the list: a stretch of a reel in some channels, and how it comes in."""

    number: str
    reel: str
    channels: str
    kind: str
    """C a cut, D a dissolve, W001 a wipe, K a key, KB what is keyed over, KO a key that leaves."""
    length: int
    """Of a dissolve, wipe or key, in frames."""
    source: tuple[str, str]
    record: tuple[str, str]
    is_counted_dropping: bool
    """Whether its source counts so, by the FCM line above it."""
    played_at: float | None = None
    """Frames of the source in a second, from its M2 line; below 0 backwards."""

    @property
    def is_black(self) -> bool:
        """Whether it shows the switcher's black."""
        return self.reel.upper() in ("BL", "BLK", "BLACK")


@dataclass
class Edit:
    """The events of one number, which come in together, and the notes below them."""

    events: list[Event]
    notes: list[str] = field(default_factory=list)

    def said(self, *headings: str) -> str:
        """What a note says behind one of these headings, such as 'FROM CLIP NAME:'."""
        for heading in headings:
            for note in self.notes:
                if note.upper().startswith(heading):
                    return note[len(heading) :].strip()
        return ""


def edits_of(text: str) -> tuple[list[Edit], bool]:
    """The edits in the order of the list, and whether its header says that record drops numbers."""
    edits: list[Edit] = []
    drops: bool | None = None
    header: bool | None = None
    speeds: list[re.Match[str]] = []
    for line in text.splitlines():
        counting = _COUNTING.match(line)
        if counting:
            drops = counting.group(1) is None
            header = drops if header is None and not edits else header
        elif match := _EVENT.match(line):
            event = _event(match, drops=bool(drops))
            if not edits or edits[-1].events[-1].number != event.number:
                _set_speeds_in_place(edits, speeds)
                edits.append(Edit([]))
            edits[-1].events.append(event)
        elif match := _SPEED.match(line):
            speeds.append(match)
        elif edits and (note := line.strip().lstrip("*>").strip()):
            edits[-1].notes.append(note)
    _set_speeds_in_place(edits, speeds)
    return edits, bool(header)


def frame_number(code: str) -> int:
    """The last part of a timecode."""
    return int(re.split(r"[:;.,]", code)[-1])


def is_marker_list(edits: list[Edit]) -> bool:
    """Whether it is DaVinci Resolve's list of markers, each as an event of a frame or more."""
    return bool(edits) and all(any("|M:" in note for note in edit.notes) for edit in edits)


def _event(match: re.Match[str], *, drops: bool) -> Event:
    codes = match["codes"].split()
    return Event(
        match["number"],
        (match["reel"] or "").strip(),
        match["channels"],
        re.sub(r"\s", "", match["kind"]),
        int(match["length"] or 0),
        (codes[0], codes[1]),
        (codes[2], codes[3]),
        drops,
    )


def _set_speeds_in_place(edits: list[Edit], speeds: list[re.Match[str]]) -> None:
    """M2 lines belong to the events above that play their reel, in order; of two events of one
    reel and one such line, to the one that lasts."""
    events = edits[-1].events if edits else []
    for reel, said in groupby(speeds, key=lambda match: (match["reel"] or "").strip()):
        wanted = list(said)
        fitting = [event for event in events if _is_reel(event.reel, reel)] or events
        lasting = [event for event in fitting if event.record[0] != event.record[1]]
        chosen = lasting if len(wanted) <= len(lasting) else fitting
        for event, match in zip(chosen, wanted, strict=False):
            event.played_at = float(match["rate"])
    speeds.clear()


def _is_reel(reel: str, said: str) -> bool:
    """Whether an M2 line names a reel: systems cut names off at eight letters, or do not."""
    return bool(said) and (reel.startswith(said) or said.startswith(reel))
