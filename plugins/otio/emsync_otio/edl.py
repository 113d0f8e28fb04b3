"""CMX 3600 EDLs: at which rate they count, where they start, and their locators.

An EDL states no rate. Its frame numbers narrow it down; where several rates fit, the likeliest is
taken and said, and `rate` overrides. Durations that contradict each other are refused.
"""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio

from emsync.errors import TimelineError
from emsync.timecode import is_drop_frame_rate
from emsync_otio.clock import exact_seconds, otio_time
from emsync_otio.counting import state_drop_frame_in_place

__all__ = ["read_timeline"]

_TIMECODE = r"\d{1,2}[:;.]\d{2}[:;.]\d{2}[:;.,]\d{2,3}"
_EVENT = re.compile(rf"^\s*\d+\s+\S+.*?((?:{_TIMECODE}\s+){{3}}{_TIMECODE})\s*$")
_LOCATOR = re.compile(rf"^\*?\s*LOC:\s*({_TIMECODE})\s*(\S*)\s*(.*?)\s*$")
_NTSC_30, _NTSC_60 = Fraction(30000, 1001), Fraction(60000, 1001)
# The first that counts as high as a list's frame numbers is taken.
_LIKELY_RATES = (Fraction(24), Fraction(25), Fraction(30), Fraction(50), Fraction(60))


def read_timeline(path: Path, rate: Fraction | None) -> otio.schema.Timeline:
    """Read with otio-cmx3600-adapter at the rate given, or at the one its numbers tell."""
    text = _decoded(path.read_bytes())
    events = [match for match in map(_EVENT.match, text.splitlines()) if match]
    codes = [code for match in events for code in match.group(1).split()]
    if not codes:
        raise TimelineError(f"'{path.name}' holds no events. Export the EDL again from the editor.")
    is_drop = bool(re.search(r"^FCM:\s*DROP", text, re.MULTILINE)) or any(";" in c for c in codes)
    chosen = _checked(rate, codes, path) if rate else _likely_rate(codes, is_drop=is_drop)
    is_drop = is_drop and is_drop_frame_rate(chosen)
    try:
        timeline = otio.adapters.read_from_string(
            _respelled(text, is_drop=is_drop), adapter_name="cmx_3600", rate=float(chosen)
        )
    except (otio.exceptions.OTIOError, ValueError) as err:
        said = (
            re.sub(r"RationalTime\(([\d.]+), [\d.]+\)", r"\1 frames", str(err)).strip().rstrip(".")
        )
        raise TimelineError(
            f"'{path.name}' contradicts itself at {float(chosen):.5g} frames per second: "
            f"{said[:200]}. If it counts at another rate, state it with --rate; "
            "else export it again from the editor."
        ) from err
    except AttributeError as err:  # what adapter 1.0.0 makes of a dissolve without its first half
        raise TimelineError(
            f"'{path.name}' has a dissolve or wipe that lacks its outgoing or incoming event. "
            "Export it again from the editor."
        ) from err
    if not isinstance(timeline, otio.schema.Timeline):
        raise TimelineError(f"'{path.name}' holds no sequence.")
    _place_in_place(timeline, events, chosen, is_drop=is_drop)
    _set_locators_in_place(timeline, text, chosen, is_drop=is_drop)
    timeline.metadata["emsync_otio"] = {} if rate else {"assumed_rate": str(chosen)}
    state_drop_frame_in_place(timeline, is_drop)
    return timeline


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")  # Avid and older systems; every byte is a letter


def _frame_number(code: str) -> int:
    return int(re.split(r"[:;.,]", code)[-1])


def _likely_rate(codes: list[str], *, is_drop: bool) -> Fraction:
    highest = max(map(_frame_number, codes))
    if is_drop:
        return _NTSC_30 if highest < 30 else _NTSC_60
    for rate in _LIKELY_RATES:
        if highest < rate:
            return rate
    raise TimelineError(
        f"The EDL counts up to frame {highest} in a second; no rate up to 60 does. "
        "State it with --rate, or export the timeline as OTIO or FCPXML."
    )


def _checked(rate: Fraction, codes: list[str], path: Path) -> Fraction:
    """The rate given, unless the list's frame numbers contradict it."""
    highest = max(map(_frame_number, codes))
    if highest >= rate:
        raise TimelineError(
            f"'{path.name}' counts up to frame {highest} in a second, so it does not run at "
            f"{float(rate):g} frames per second. State its true rate with --rate."
        )
    return rate


def _respelled(text: str, *, is_drop: bool) -> str:
    """Timecodes as the adapter wants them: drop-frame is ';' before the frames, not a header."""
    mark = ";" if is_drop else ":"

    def respell(match: re.Match[str]) -> str:
        parts = re.split(r"[:;.,]", match.group(0))
        return ":".join(parts[:3]) + mark + parts[3]

    lines = (
        re.sub(_TIMECODE, respell, line) if _EVENT.match(line) or line.startswith("M2") else line
        for line in text.splitlines()
    )
    return "\n".join(lines) + "\n"


def _time_of(code: str, rate: Fraction, *, is_drop: bool) -> otio.opentime.RationalTime:
    parts = re.split(r"[:;.,]", code)
    spelled = ":".join(parts[:3]) + (";" if is_drop else ":") + parts[3]
    return otio.opentime.from_timecode(spelled, float(rate))


def _place_in_place(
    timeline: otio.schema.Timeline,
    events: list[re.Match[str]],
    rate: Fraction,
    *,
    is_drop: bool,
) -> None:
    """The record start; the adapter (1.0.0) leaves it as a negative offset of the track."""
    starts = [_time_of(match.group(1).split()[2], rate, is_drop=is_drop) for match in events]
    timeline.global_start_time = min(starts)
    for track in timeline.tracks:
        track.source_range = None


def _set_locators_in_place(
    timeline: otio.schema.Timeline, text: str, rate: Fraction, *, is_drop: bool
) -> None:
    """Locators count in record time; the adapter hangs them on clips, in the source's time."""
    for clip in timeline.find_clips():
        clip.markers.clear()
    start = exact_seconds(timeline.global_start_time)
    for line in text.splitlines():
        match = _LOCATOR.match(line)
        if match:
            at = exact_seconds(_time_of(match.group(1), rate, is_drop=is_drop)) - start
            marker = otio.schema.Marker(
                name=match.group(3),
                marked_range=otio.opentime.TimeRange(otio_time(at, rate), otio_time(at * 0, rate)),
            )
            timeline.tracks.markers.append(marker)
